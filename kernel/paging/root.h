/* Roots coming and going; the public part is in paging/paging.h. */
#pragma once

#include "base/types.h"

/*
 * Panic unless `count` frames below 4 GiB are free: until the kernel root is active, no other can
 * be reached, and the lowest are taken first.
 */
void root_require_frames(uint64_t count);

/* Take the kernel root and the PDPT of each kernel-half slot in use. */
void root_init_kernel(void);
