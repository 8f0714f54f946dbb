/* How cpu_access (cpu/traps.h) learns of the faults that it causes. */
#pragma once

#include "cpu/traps.h"

/*
 * If the trap comes from the access that cpu_access is making, note it as that access's fault, make
 * the trap return to where cpu_access goes on, and return true. `cause` is for struct access_fault.
 */
bool access_claim(struct trap_frame *frame, int32_t cause);

/* Whether the access under way is to fault rather than to have its page fault resolved. */
bool access_is_peek(void);
