/* Building the frame allocator's metadata from the memory map, in place, before there is any other
 * memory to work with. */
#include "pmm/pmm.h"

#include "base/bits.h"
#include "base/direct_map.h"
#include "base/string.h"
#include "cpu/panic.h"
#include "pmm/runs.h"

struct pmm pmm;

/* Frames [first, end) of an AVAILABLE range, as far as they are managed. */
struct span {
    uint64_t first, end;
};

static struct span available(const struct memory_range *range) {
    if (range->kind != MEMORY_AVAILABLE || range->base >= DIRECT_MAP_SIZE) {
        return (struct span){0, 0};
    }
    uint64_t end = min_u64(range->base + range->length, DIRECT_MAP_SIZE);
    return (struct span){range->base / FRAME_SIZE, end / FRAME_SIZE};
}

static uint64_t find_frame_limit(const struct memory_map *map) {
    uint64_t limit = 0;
    for (uint64_t i = 0; i < map->count; i++) {
        limit = max_u64(limit, available(&map->ranges[i]).end);
    }
    return align_up(limit, BLOCK_FRAMES);
}

static paddr_t find_place(const struct memory_map *map, uint64_t length) {
    for (uint64_t i = 0; i < map->count; i++) {
        struct span span = available(&map->ranges[i]);
        paddr_t base = span.first * FRAME_SIZE;
        paddr_t end = min_u64(span.end * FRAME_SIZE, BOOT_MAP_SIZE);
        if (base < end && end - base >= length) {
            return base;
        }
    }
    panic("pmm: no place for 0x%lx bytes of metadata", length);
}

/* The next `length` bytes of the metadata, which `offset` counts. Before the metadata has a place,
 * only the counting is of use. */
static void *take(uint64_t *offset, uint64_t length) {
    void *place = (uint8_t *)direct_map(pmm.metadata_base) + *offset;
    *offset += align_up(length, 8);
    return place;
}

/* Lay the arrays out from metadata_base; their length together. */
static uint64_t lay_out(void) {
    uint64_t blocks = pmm.frame_limit / BLOCK_FRAMES;
    uint64_t tree_bytes = align_up(blocks, 64) / 8;
    uint64_t offset = 0;
    pmm.free_bits = take(&offset, pmm.frame_limit / 8);
    pmm.managed_bits = take(&offset, pmm.frame_limit / 8);
    pmm.any.bottom = take(&offset, tree_bytes);
    pmm.whole.bottom = take(&offset, tree_bytes);
    pmm.block_free = take(&offset, blocks * sizeof(*pmm.block_free));
    pmm.block_words = take(&offset, blocks * sizeof(*pmm.block_words));
    return offset;
}

static void manage(struct span span) {
    if (span.first < span.end) {
        run_set(pmm.managed_bits, span.first, span.end);
        pmm.managed_count += span.end - span.first;
        run_mark_free(span.first, span.end - span.first);
    }
}

void pmm_init(const struct memory_map *map) {
    pmm = (struct pmm){.frame_limit = find_frame_limit(map)};
    if (pmm.frame_limit == 0) {
        panic("pmm: the memory map has no available memory");
    }
    pmm.metadata_length = align_up(lay_out(), FRAME_SIZE);
    pmm.metadata_base = find_place(map, pmm.metadata_length);
    lay_out();
    memset(direct_map(pmm.metadata_base), 0, pmm.metadata_length);

    uint64_t metadata_first = pmm.metadata_base / FRAME_SIZE;
    uint64_t metadata_end = metadata_first + pmm.metadata_length / FRAME_SIZE;
    for (uint64_t i = 0; i < map->count; i++) {
        struct span span = available(&map->ranges[i]);
        if (span.first == metadata_first) {
            span.first = metadata_end;
        }
        manage(span);
    }
}
