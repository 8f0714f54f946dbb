#include "slab/slab.h"

#include "base/bits.h"
#include "base/direct_map.h"

struct slab_cache *slab_caches;
struct slab_ram slab_ram;

void slab_init(const struct memory_map *map) {
    for (uint64_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        if (range->kind == MEMORY_AVAILABLE && range->base + range->length <= BOOT_MAP_SIZE &&
            range->length > slab_ram.length) {
            slab_ram = (struct slab_ram){DIRECT_MAP_BASE + range->base, range->length};
        }
    }
}

static bool is_shape(uint64_t size, uint64_t alignment) {
    return size >= SLAB_SIZE_MIN && size <= SLAB_SIZE_MAX && is_power_of_two(alignment) &&
           alignment >= SLAB_ALIGN_MIN && alignment <= SLAB_ALIGN_MAX;
}

/* The inverse of an odd number modulo 2^64: Newton's steps double the bits that are right, of which
 * the number itself has 3. */
static uint64_t inverse_of(uint64_t odd) {
    uint64_t inverse = odd;
    for (unsigned right = 3; right < 64; right *= 2) {
        inverse *= 2 - odd * inverse;
    }
    return inverse;
}

int slab_cache_create(struct slab_cache *cache, const char *name, uint64_t size,
                      uint64_t alignment) {
    if (!is_shape(size, alignment)) {
        return STATUS_INVALID;
    }
    uint64_t first = align_up(SLAB_HEADER, alignment);
    uint64_t stride = align_up(size, alignment);
    uint64_t count = (FRAME_SIZE - first) / stride;
    uint64_t shift = lowest_bit(stride);
    uint64_t last = (count - 1) / 64;
    uint64_t last_word = ~0ULL >> (63 - (count - 1) % 64);
    *cache = (struct slab_cache){
        .room = {&cache->room, &cache->room},
        .all = {&cache->all, &cache->all},
        .first = first,
        .stride = stride,
        .count = count,
        .inverse = inverse_of(stride >> shift),
        .shift = shift,
        .words = count == 1 ? 0 : (2ULL << last) - 1,
        .last = last,
        .last_word = last == 0 ? without_lowest_bit(last_word) : last_word,
        .size = size,
        .alignment = alignment,
    };
    for (unsigned i = 0; i < SLAB_NAME_MAX - 1 && name[i] != '\0'; i++) {
        cache->name[i] = name[i];
    }
    struct slab_cache **end = &slab_caches;
    while (*end) {
        end = &(*end)->next;
    }
    *end = cache;
    return STATUS_OK;
}

int slab_cache_destroy(struct slab_cache *cache) {
    if (cache->all.next != &cache->all) {
        return STATUS_BUSY;
    }
    struct slab_cache **link = &slab_caches;
    while (*link != cache) {
        link = &(*link)->next;
    }
    *link = cache->next;
    *cache = (struct slab_cache){0};
    return STATUS_OK;
}

/* Put a link first in a ring; where it leads back to is written already. */
static inline void ring_add(struct slab_link *ring, struct slab_link *link) {
    link->next = ring->next;
    ring->next->previous = link;
    ring->next = link;
}

static inline void ring_remove(struct slab_link *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

/* A slab whose last free object was taken, the first with room. */
static inline int leave_ring(struct slab_cache *cache, struct slab *slab) {
    cache->room.next = slab->room.next;
    cache->room.next->previous = &cache->room;
    slab->room.next = NULL;
    return STATUS_OK;
}

/* The first object of a new slab. Out of the way, so that the usual case saves no registers. */
__attribute__((noinline)) static int take_from_new(struct slab_cache *cache, void **object) {
    paddr_t frame;
    int status = pmm_alloc(&frame);
    if (status < 0) {
        return status;
    }
    struct slab *slab = direct_map(frame);
    slab->cache = cache;
    slab->used = 1;
    slab->words = cache->words;
    slab->free_bits[0] = without_lowest_bit(~0ULL);
#pragma GCC unroll 8
    for (unsigned i = 1; i < SLAB_WORDS; i++) {
        slab->free_bits[i] = ~0ULL;
    }
    slab->free_bits[cache->last] = cache->last_word;
    slab->all.previous = &cache->all;
    ring_add(&cache->all, &slab->all);
    slab->room.previous = &cache->room;
    *object = (uint8_t *)slab + cache->first;
    if (__builtin_expect(cache->count == 1, 0)) {
        slab->room.next = NULL;
    } else {
        ring_add(&cache->room, &slab->room);
    }
    return STATUS_OK;
}

int slab_alloc(struct slab_cache *cache, void **object) {
    if (slab_frames_needed(cache) > 0) {
        return take_from_new(cache, object);
    }
    struct slab *slab = (struct slab *)cache->room.next;
    uint64_t word = lowest_bit(slab->words);
    uint64_t bits = slab->free_bits[word];
    uint64_t number = word * 64 + lowest_bit(bits);
    *object = (uint8_t *)slab + cache->first + number * cache->stride;
    slab->used++;
    bits = without_lowest_bit(bits);
    slab->free_bits[word] = bits;
    if (bits == 0) {
        slab->words = without_lowest_bit(slab->words);
        if (slab->words == 0) {
            return leave_ring(cache, slab);
        }
    }
    return STATUS_OK;
}

uint64_t slab_frames_for(const struct slab_cache *cache, uint64_t count) {
    uint64_t room = 0;
    for (const struct slab_link *at = cache->room.next; at != &cache->room; at = at->next) {
        const struct slab *slab = (const struct slab *)at; /* its first member */
        room += cache->count - slab->used;
    }
    return count > room ? (count - room + cache->count - 1) / cache->count : 0;
}

/* Whether an address of the direct map, or any other, is that of a frame of RAM. */
static inline bool is_ram(vaddr_t address) {
    if (address - slab_ram.base < slab_ram.length) {
        return true;
    }
    uint64_t frame = direct_map_physical((const void *)address) / FRAME_SIZE;
    return frame < pmm.frame_limit && bits_contain(pmm.managed_bits, frame);
}

static inline struct slab *frame_of(const void *object) {
    return (struct slab *)align_down((vaddr_t)object, FRAME_SIZE);
}

/*
 * The number of the object that begins at an address of the slab; a number beyond any count if none
 * does. Multiplying by the inverse divides what is a multiple of the stride's odd part; the bits
 * that must be 0 for the even part become the highest.
 */
static inline uint64_t number_of(const struct slab_cache *cache, const struct slab *slab,
                                 const void *object) {
    uint64_t offset = (vaddr_t)object - (vaddr_t)slab - cache->first;
    uint64_t product = offset * cache->inverse;
    return product >> cache->shift | product << (64 - cache->shift);
}

__attribute__((noinline)) static int give_back(struct slab *slab) {
    if (slab->room.next) {
        ring_remove(&slab->room);
    }
    ring_remove(&slab->all);
    slab->cache = NULL;
    frame_give(direct_map_physical(slab));
    return STATUS_OK;
}

static inline int free_object(struct slab_cache *cache, struct slab *slab, const void *object) {
    uint64_t number = number_of(cache, slab, object);
    if (number >= cache->count) {
        return STATUS_INTERIOR;
    }
    uint64_t was = slab->free_bits[number / 64];
    uint64_t bits = was;
    if (word_add(&bits, number)) {
        return STATUS_DOUBLE_FREE;
    }
    slab->free_bits[number / 64] = bits;
    if (--slab->used == 0) {
        return give_back(slab);
    }
    if (was == 0) {
        uint64_t words = slab->words;
        slab->words = words | 1ULL << number / 64;
        if (words == 0) {
            ring_add(&cache->room, &slab->room);
        }
    }
    return STATUS_OK;
}

int slab_free(struct slab_cache *cache, void *object) {
    if (!is_ram((vaddr_t)object) || frame_of(object)->cache != cache) {
        return STATUS_FOREIGN;
    }
    return free_object(cache, frame_of(object), object);
}

int slab_free_any(struct slab_cache *caches, uint64_t bytes, void *object) {
    if (!is_ram((vaddr_t)object)) {
        return STATUS_FOREIGN;
    }
    struct slab_cache *cache = frame_of(object)->cache;
    if ((vaddr_t)cache - (vaddr_t)caches >= bytes) {
        return STATUS_FOREIGN;
    }
    return free_object(cache, frame_of(object), object);
}
