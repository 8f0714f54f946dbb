#include "slab/slab.h"

#include "base/bits.h"
#include "base/direct_map.h"

struct slab_cache *slab_caches;

static bool is_shape(uint64_t size, uint64_t alignment) {
    return size >= SLAB_SIZE_MIN && size <= SLAB_SIZE_MAX && is_power_of_two(alignment) &&
           alignment >= SLAB_ALIGN_MIN && alignment <= SLAB_ALIGN_MAX;
}

int slab_cache_create(struct slab_cache *cache, const char *name, uint64_t size,
                      uint64_t alignment) {
    if (!is_shape(size, alignment)) {
        return STATUS_INVALID;
    }
    uint64_t first = align_up(SLAB_HEADER, alignment);
    uint64_t stride = align_up(size, alignment);
    *cache = (struct slab_cache){
        .first = first,
        .stride = stride,
        .count = (FRAME_SIZE - first) / stride,
        .reciprocal = (1ULL << 32) / stride + 1,
        .size = size,
        .alignment = alignment,
    };
    for (unsigned i = 0; i < SLAB_NAME_MAX - 1 && name[i] != '\0'; i++) {
        cache->name[i] = name[i];
    }
    struct slab_cache **last = &slab_caches;
    while (*last) {
        last = &(*last)->next;
    }
    *last = cache;
    return STATUS_OK;
}

int slab_cache_destroy(struct slab_cache *cache) {
    if (cache->room || cache->full) {
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

static inline void list_add(struct slab **head, struct slab *slab) {
    slab->next = *head;
    slab->link = head;
    if (slab->next) {
        slab->next->link = &slab->next;
    }
    *head = slab;
}

static inline void list_remove(struct slab *slab) {
    *slab->link = slab->next;
    if (slab->next) {
        slab->next->link = slab->link;
    }
}

static inline uint64_t seal_of(const struct slab_cache *cache, const struct slab *slab) {
    return SLAB_SEAL ^ (vaddr_t)slab ^ (vaddr_t)cache;
}

/* A new slab, which comes first of those with room. Out of the way: seldom, and long. */
__attribute__((noinline)) static int slab_add(struct slab_cache *cache) {
    paddr_t frame;
    int status = pmm_alloc(&frame);
    if (status < 0) {
        return status;
    }
    struct slab *slab = direct_map(frame);
    slab->seal = seal_of(cache, slab);
    slab->used = 0;
    slab->words = (2ULL << (cache->count - 1) / 64) - 1;
#pragma GCC unroll 8
    for (unsigned i = 0; i < SLAB_WORDS; i++) {
        slab->free_bits[i] = 0;
    }
    run_set(slab->free_bits, 0, cache->count);
    list_add(&cache->room, slab);
    return STATUS_OK;
}

/* A slab whose last free object was taken. */
__attribute__((noinline)) static int slab_is_full(struct slab_cache *cache, struct slab *slab) {
    list_remove(slab);
    list_add(&cache->full, slab);
    return STATUS_OK;
}

/* The lowest free object of a slab with room. */
static inline int take(struct slab_cache *cache, struct slab *slab, void **object) {
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
            return slab_is_full(cache, slab);
        }
    }
    return STATUS_OK;
}

/* Out of the way, so that the usual case saves no registers. */
__attribute__((noinline)) static int take_from_new(struct slab_cache *cache, void **object) {
    int status = slab_add(cache);
    return status < 0 ? status : take(cache, cache->room, object);
}

int slab_alloc(struct slab_cache *cache, void **object) {
    struct slab *slab = cache->room;
    return slab ? take(cache, slab, object) : take_from_new(cache, object);
}

/* The slab of the cache that an address lies in, or NULL. Only frames of RAM are looked at. */
static inline struct slab *slab_of(const struct slab_cache *cache, const void *object) {
    uint64_t frame = direct_map_physical(object) / FRAME_SIZE;
    if (frame >= pmm.frame_limit || !bits_contain(pmm.managed_bits, frame)) {
        return NULL;
    }
    struct slab *slab = (struct slab *)align_down((vaddr_t)object, FRAME_SIZE);
    return slab->seal == seal_of(cache, slab) ? slab : NULL;
}

/* A slab that was full, or whose last object is freed: it leaves its list. */
__attribute__((noinline)) static int slab_changes_lists(struct slab_cache *cache,
                                                        struct slab *slab) {
    list_remove(slab);
    if (slab->used > 0) {
        list_add(&cache->room, slab);
        return STATUS_OK;
    }
    slab->seal = 0;
    frame_give(direct_map_physical(slab));
    return STATUS_OK;
}

int slab_free(struct slab_cache *cache, void *object) {
    struct slab *slab = slab_of(cache, object);
    if (!slab) {
        return STATUS_FOREIGN;
    }
    uint64_t offset = (vaddr_t)object - (vaddr_t)slab - cache->first;
    uint64_t number = offset * cache->reciprocal >> 32;
    if (number >= cache->count || number * cache->stride != offset) {
        return STATUS_INTERIOR;
    }
    if (word_add(&slab->free_bits[number / 64], number)) {
        return STATUS_DOUBLE_FREE;
    }
    uint64_t words = slab->words;
    slab->words = words | 1ULL << number / 64;
    slab->used--;
    return slab->used == 0 || words == 0 ? slab_changes_lists(cache, slab) : STATUS_OK;
}
