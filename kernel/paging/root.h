/* Roots coming and going; the public part is in paging/paging.h. */
#pragma once

/* Take the kernel root and the PDPT of each kernel-half slot in use. */
void root_init_kernel(void);
