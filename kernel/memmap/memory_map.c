#include "base/string.h"
#include "memmap/memory_map.h"

/* A list under construction: pieces come in ascending order. */
struct builder {
    uint64_t count; /* may count past the end; what is there is not stored */
    struct memory_range ranges[MEMORY_RANGES_MAX];
};

/* Put [base, end) behind what is there, or to it if that is its neighbour; nothing if it is empty.
 */
static void append(struct builder *b, paddr_t base, paddr_t end, uint32_t kind) {
    if (base >= end || b->count > MEMORY_RANGES_MAX) {
        return;
    }
    if (b->count > 0) {
        struct memory_range *last = &b->ranges[b->count - 1];
        if (last->base + last->length == base && last->kind == kind) {
            last->length += end - base;
            return;
        }
    }
    if (b->count < MEMORY_RANGES_MAX) {
        b->ranges[b->count] = (struct memory_range){base, end - base, kind, 0};
    }
    b->count++;
}

/*
 * The list of `map` with [base, end) laid over it. Each range of the list contributes, in order:
 * the claim's part in the hole before it, then itself before, inside and after the claim.
 */
static void overlay(struct builder *b, const struct memory_map *map, paddr_t base, paddr_t end,
                    uint32_t kind) {
    paddr_t rest = base; /* the claim from here on is not in the list yet */
    for (uint64_t i = 0; i < map->count; i++) {
        const struct memory_range *r = &map->ranges[i];
        paddr_t r_end = r->base + r->length;
        append(b, rest, min_u64(r->base, end), kind);
        append(b, r->base, min_u64(r_end, base), r->kind);
        append(b, max_u64(r->base, base), min_u64(r_end, end), (uint32_t)max_u64(r->kind, kind));
        append(b, max_u64(r->base, end), r_end, r->kind);
        rest = max_u64(rest, min_u64(r_end, end));
    }
    append(b, rest, end, kind);
}

void memory_map_init(struct memory_map *map, unsigned physical_bits) {
    map->limit = 1ULL << physical_bits;
    map->count = 0;
}

int memory_map_claim(struct memory_map *map, paddr_t base, uint64_t length, enum memory_kind kind) {
    if ((unsigned)kind >= MEMORY_KIND_COUNT) {
        return STATUS_INVALID;
    }
    if (length == 0 || base >= map->limit) {
        return STATUS_OK;
    }
    /* The limit is a multiple of the frame size: cut first, and rounding can't wrap or pass it. */
    paddr_t end = length > map->limit - base ? map->limit : base + length;
    if (kind == MEMORY_AVAILABLE) {
        base = align_up(base, PAGE_SIZE_4K);
        end = align_down(end, PAGE_SIZE_4K);
    } else {
        base = align_down(base, PAGE_SIZE_4K);
        end = align_up(end, PAGE_SIZE_4K);
    }
    if (base >= end) {
        return STATUS_OK;
    }
    struct builder b;
    b.count = 0;
    overlay(&b, map, base, end, kind);
    if (b.count > MEMORY_RANGES_MAX) {
        return STATUS_NO_SPACE;
    }
    memcpy(map->ranges, b.ranges, b.count * sizeof(b.ranges[0]));
    map->count = b.count;
    return STATUS_OK;
}
