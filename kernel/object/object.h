/*
 * Memory objects: pages that belong to nobody's space, so that several regions can show them, in
 * one space or in many.
 *
 * An object has a length and, by index, pages: each a frame that is taken, zeroed, when it is first
 * needed. They are found by a radix tree whose nodes are frames of 512 entries; its height follows
 * from the length. An object lives as long as it has references: its handle is one, and each region
 * that shows it is one. With the last, all of its frames go back. Until then no page leaves it.
 *
 * Records come from the slab cache `object`. Shortcoming: a handle is found, and an id chosen, by
 * walking the list of all objects.
 *
 * object.c has the objects, pages.c the pages of one.
 */
#pragma once

#include "slab/slab.h"

#define OBJECT_NODE_BITS 9                             /* of an index, a level of the tree */
#define OBJECT_SIZE_MAX  GIB(512)                      /* bytes: three levels */
#define OBJECT_FRAME     (~(uint64_t)(FRAME_SIZE - 1)) /* of an entry: the frame's address */
#define OBJECT_PRESENT   1ULL /* of an entry: there is a frame; else the entry is 0 */

struct vm_object {
    uint64_t id;            /* its handle is o<id>; nobody else's while it lives */
    struct vm_object *next; /* ascending id, NULL at the end */
    uint64_t references;    /* regions that show it, and the handle */
    uint64_t pages;         /* its length */
    uint64_t top;           /* entry of the topmost node */
    uint32_t levels;        /* of nodes: 512 to the power of this are pages enough */
    uint32_t has_handle;
};

extern struct vm_object *objects; /* the first of all */

/* Make the cache of records. Takes no frame. */
void object_init(void);

/*
 * An object of `length` bytes without any page, with a handle: the lowest unused id.
 * Errors, nothing changed, in this order: INVALID (length 0); MISALIGNED (no multiple of 4 KiB);
 * OUT_OF_RANGE (more than OBJECT_SIZE_MAX); NO_MEMORY (no frame for the record's slab).
 */
int object_create(uint64_t length, uint64_t *id);

/* The object with that handle, or NULL. */
struct vm_object *object_find(uint64_t id);

/* Drop a handle. Errors: NOT_FOUND. */
int object_drop(uint64_t id);

/* One reference more; and one less: with the last, the object and its frames are no more. */
void object_hold(struct vm_object *object);
void object_release(struct vm_object *object);

/* For the layer above, whose indices lie before the object's end. */

/* Whether a page has its frame, which goes to *frame. */
bool object_page(const struct vm_object *object, uint64_t index, paddr_t *frame);

/* How many frames it takes until each of `count` pages has its own: pages, and nodes. */
uint64_t object_frames_missing(const struct vm_object *object, uint64_t first, uint64_t count);

/* The frame of a page. If it has none, first the nodes that are missing are taken, top level first,
 * then the page, zeroed; the caller has made sure that there are enough frames. */
paddr_t object_take_page(struct vm_object *object, uint64_t index);

/* Give all frames of an object back: for object_release. */
void object_give_pages(struct vm_object *object);
