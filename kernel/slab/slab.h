/*
 * Slab caches: objects of one size, from frames in the direct map.
 *
 * A slab is a frame: a header, then as many objects as fit, each at a multiple of the cache's
 * alignment. A bit an object says whether it is free. A cache keeps two lists, the slabs with room
 * and the full ones. An object is the lowest free one of the first slab with room; a cache without
 * such a slab takes the lowest free frame. A slab that gets room, or is new, comes first in its
 * list, and so does one that becomes full; a slab whose last object is freed gives its frame back
 * at once. So every step takes the same time, however many slabs and objects there are.
 *
 * An object's contents are whatever was there before. A header is sealed with its own address and
 * its cache's, which is how slab_free tells a slab from any other frame. Shortcoming: who writes
 * that seal into a frame of his own on purpose can have it taken for a slab.
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
#define SLAB_SEAL      0xC2B2AE3D27D4EB4FULL

struct slab {
    uint64_t seal;                  /* SLAB_SEAL ^ the slab's address ^ the cache's */
    uint64_t used;                  /* objects that live; never 0 */
    uint64_t words;                 /* bit w: free_bits[w] has a bit set */
    struct slab *next;              /* in its list; NULL at the end */
    struct slab **link;             /* the pointer that leads here */
    uint64_t free_bits[SLAB_WORDS]; /* bit n: object n is free */
    uint64_t padding[3];
};
_Static_assert(sizeof(struct slab) == SLAB_HEADER, "objects follow the header");

struct slab_cache {
    struct slab *room;   /* slabs with a free object, and a live one */
    struct slab *full;   /* slabs without a free one */
    uint64_t first;      /* bytes from a slab to its first object */
    uint64_t stride;     /* bytes from one object to the next: the size, made a multiple */
    uint64_t count;      /* objects of a slab */
    uint64_t reciprocal; /* of stride, times 2^32, rounded up: divides offsets by one product */
    uint64_t size;       /* as asked for; 0: no cache */
    uint64_t alignment;
    struct slab_cache *next; /* of all caches, oldest first; NULL at the end */
    char name[SLAB_NAME_MAX];
};

extern struct slab_cache *slab_caches; /* the oldest of all caches */

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

/* How many frames the next slab_alloc takes: for guards that count frames first. */
static inline uint64_t slab_frames_needed(const struct slab_cache *cache) {
    return cache->room ? 0 : 1;
}
