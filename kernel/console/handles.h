/* What the handles that a person types stand for. */
#pragma once

#include "console/parse.h"

/* The root behind `kernel`, a task or a bare root. Errors: NOT_FOUND. */
int find_root(const struct argument *argument, paddr_t *root);

/* The bare root behind a handle, whose tables may be changed. Errors: NOT_FOUND, DENIED. */
int find_bare_root(const struct argument *argument, paddr_t *root);

/* The space behind `kernel` or a task. Errors: NOT_FOUND; DENIED (t0, which has no window). */
int find_space(const struct argument *argument, struct vm_space **space);
