/*
 * Slab caches: objects of one size, from frames in the direct map.
 *
 * A slab is a frame: a header, then as many objects as fit, each at a multiple of the cache's
 * alignment. A bit an object says whether it is free. A cache keeps a list of all its slabs, the
 * newest first, and one of those with room. An object is the lowest free one of the first slab with
 * room; a cache without such a slab takes the lowest free frame. A slab that gets room, or is new,
 * comes first of those; a slab whose last object is freed gives its frame back at once. So every
 * step takes the same time, however many slabs and objects there are.
 *
 * Both lists are rings through the cache, so that nothing asks whether there is a neighbour. An
 * object is only ever taken from the first slab with room, so the one that becomes full is the
 * first: that a full slab's `previous` still leads to the cache saves writing it when it gets room.
 *
 * An object's contents are whatever was there before. A header names its cache, which is how
 * slab_free tells a slab from any other frame. Shortcoming: who writes that address into the same
 * place of a frame of his own, on purpose, can have it taken for a slab.
 */
#pragma once

#include "pmm/pmm.h"

#define SLAB_SIZE_MIN  8
#define SLAB_SIZE_MAX  2048
#define SLAB_ALIGN_MIN 8
#define SLAB_ALIGN_MAX 2048
#define SLAB_HEADER    128 /* bytes of a slab before its first object, at least */
#define SLAB_WORDS     8   /* of bits: a frame has fewer than 512 objects of 8 bytes */
#define SLAB_NAME_MAX  16  /* with the NUL */

struct slab_link {
    struct slab_link *next;
    struct slab_link *previous;
};

struct slab {
    struct slab_link room; /* in the ring of slabs with room; of a full one: NULL, and the cache */
    struct slab_link all;  /* in the ring of all slabs */
    struct slab_cache *cache;       /* whose it is */
    uint64_t used;                  /* objects that live; never 0 */
    uint64_t words;                 /* bit w: free_bits[w] has an object's bit set */
    uint64_t free_bits[SLAB_WORDS]; /* bit n: object n is free; words past the last's are ones */
    uint64_t padding[1];
};
_Static_assert(sizeof(struct slab) == SLAB_HEADER, "objects follow the header");

struct slab_cache {
    struct slab_link room; /* slabs with a free object, and a live one */
    struct slab_link all;  /* all slabs */
    uint64_t first;        /* bytes from a slab to its first object */
    uint64_t stride;       /* bytes from one object to the next: the size, made a multiple */
    uint64_t count;        /* objects of a slab */
    uint64_t inverse;      /* of stride >> shift, which is odd, modulo 2^64 */
    uint64_t shift;        /* zero bits that stride ends with */
    uint64_t words;        /* of a new slab: `words`, where the last word is, and that word; */
    uint64_t last;         /* its object 0 is taken */
    uint64_t last_word;
    uint64_t size; /* as asked for; 0: no cache */
    uint64_t alignment;
    struct slab_cache *next; /* of all caches, oldest first; NULL at the end */
    char name[SLAB_NAME_MAX];
};

extern struct slab_cache *slab_caches; /* the oldest of all caches */

/*
 * The longest AVAILABLE range of the memory map that lies below 4 GiB. What is in it is RAM: that
 * spares slab_free a look at the frame allocator's bits, on most machines for every slab.
 */
extern struct slab_ram {
    vaddr_t base; /* in the direct map */
    uint64_t length;
} slab_ram;

/* Find that range. Before the first slab_free; takes no frame. */
void slab_init(const struct memory_map *map);

/*
 * An empty cache of objects of `size` bytes at multiples of `alignment`, in a struct that is the
 * caller's and stays where it is. Of the name, which is copied, SLAB_NAME_MAX - 1 characters count.
 * Takes no frame. Errors, nothing changed: INVALID (size below 8 or above 2048; alignment no power
 * of two, below 8 or above 2048).
 */
int slab_cache_create(struct slab_cache *cache, const char *name, uint64_t size,
                      uint64_t alignment);

/* The cache is no more, its struct is all zeros. Errors, nothing changed: BUSY (an object lives).
 */
int slab_cache_destroy(struct slab_cache *cache);

/* The lowest free object of the first slab with room. Errors, nothing changed: NO_MEMORY. */
int slab_alloc(struct slab_cache *cache, void **object);

/*
 * Free an object of that cache. Errors, nothing changed, in this order: FOREIGN (not in a slab of
 * the cache); INTERIOR (in one, but not where an object begins); DOUBLE_FREE (it is free; one whose
 * slab is gone is FOREIGN).
 */
int slab_free(struct slab_cache *cache, void *object);

/* How many frames the next `count` of slab_alloc take. Looks at every slab with room. */
uint64_t slab_frames_for(const struct slab_cache *cache, uint64_t count);

/* As slab_free, of whichever of the caches in an array of `bytes` bytes has the object. */
int slab_free_any(struct slab_cache *caches, uint64_t bytes, void *object);

/* How many frames the next slab_alloc takes: for guards that count frames first. */
static inline uint64_t slab_frames_needed(const struct slab_cache *cache) {
    return cache->room.next == &cache->room ? 1 : 0;
}
