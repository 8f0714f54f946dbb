/* Spaces coming and going. */
#include "vmm/regions.h"

#include "base/layout.h"
#include "cpu/panic.h"
#include "cpu/traps.h"

struct slab_cache region_cache;
struct vm_space kernel_space;

void vmm_init(void) {
    int status = slab_cache_create(&region_cache, "region", sizeof(struct vm_region),
                                   _Alignof(struct vm_region));
    ASSERT(status == STATUS_OK);
    vm_space_init(&kernel_space, paging_kernel_root(), KERNEL_WINDOW_BASE, KERNEL_WINDOW_END);
    traps_set_page_fault_handler(vm_fault);
}

void vm_space_init(struct vm_space *space, paddr_t root, vaddr_t base, vaddr_t limit) {
    *space = (struct vm_space){.root = root, .base = base, .limit = limit};
}

int vm_space_create(struct vm_space *space) {
    paddr_t root;
    int status = paging_root_create(&root);
    if (status < 0) {
        return status;
    }
    vm_space_init(space, root, TASK_WINDOW_BASE, TASK_WINDOW_END);
    return STATUS_OK;
}

void vm_free_all(struct vm_space *space) {
    while (space->first) {
        int status = vm_free(space, space->first->base);
        ASSERT(status == STATUS_OK);
    }
}

int vm_space_destroy(struct vm_space *space) {
    if (space->root == paging_active_root()) {
        return STATUS_BUSY;
    }
    vm_free_all(space);
    if (space->kin) {
        space_leave_kin(space);
    }
    int status = paging_root_destroy(space->root);
    ASSERT(status == STATUS_OK);
    return STATUS_OK;
}
