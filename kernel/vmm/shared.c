/* Regions that show an object. */
#include "cpu/panic.h"
#include "vmm/regions.h"

void region_map_object(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                       uint64_t length) {
    uint32_t flags =
        region->kind == VM_PRIVATE ? region->flags & ~(uint32_t)PAGE_WRITE : region->flags;
    for (vaddr_t page = base; page < base + length; page += PAGE_SIZE_4K) {
        paddr_t frame = object_take_page(region->object, region_index(region, page));
        int status = paging_map(space->root, page, frame, PAGE_SIZE_4K, PAGE_SIZE_4K, flags);
        ASSERT(status == STATUS_OK || status == STATUS_MAPPED);
    }
}
