/* Runs of frames of any length; pmm/frames.c has the short ways for one frame and one block. */
#pragma once

#include "pmm/pmm.h"

/* Turn `count` used, managed frames from number `frame` free, with everything that summarises. */
void run_mark_free(uint64_t frame, uint64_t count);

/* pmm_free for any count. */
int run_free(paddr_t base, uint64_t count);
