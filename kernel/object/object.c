/* Objects coming and going. */
#include "object/object.h"

#include "cpu/panic.h"

struct vm_object *objects;
static struct slab_cache object_cache;

void object_init(void) {
    int status = slab_cache_create(&object_cache, "object", sizeof(struct vm_object),
                                   _Alignof(struct vm_object));
    ASSERT(status == STATUS_OK);
}

/* The link to the first object whose id is not the number of those before it: the first gap. */
static struct vm_object **first_gap(uint64_t *id) {
    struct vm_object **link = &objects;
    for (*id = 0; *link && (*link)->id == *id; ++*id) {
        link = &(*link)->next;
    }
    return link;
}

static uint32_t levels_for(uint64_t pages) {
    uint32_t levels = 1;
    while (pages > 1ULL << levels * OBJECT_NODE_BITS) {
        levels++;
    }
    return levels;
}

int object_create(uint64_t length, uint64_t *id) {
    if (length == 0) {
        return STATUS_INVALID;
    }
    if (!is_aligned(length, FRAME_SIZE)) {
        return STATUS_MISALIGNED;
    }
    if (length > OBJECT_SIZE_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    void *record;
    int status = slab_alloc(&object_cache, &record);
    if (status < 0) {
        return status;
    }
    struct vm_object **link = first_gap(id);
    struct vm_object *object = record;
    *object = (struct vm_object){
        .id = *id,
        .next = *link,
        .references = 1,
        .pages = length / FRAME_SIZE,
        .levels = levels_for(length / FRAME_SIZE),
        .has_handle = 1,
    };
    *link = object;
    return STATUS_OK;
}

struct vm_object *object_find(uint64_t id) {
    struct vm_object *object = objects;
    while (object && object->id < id) {
        object = object->next;
    }
    return object && object->id == id && object->has_handle ? object : NULL;
}

int object_drop(uint64_t id) {
    struct vm_object *object = object_find(id);
    if (!object) {
        return STATUS_NOT_FOUND;
    }
    object->has_handle = 0;
    object_release(object);
    return STATUS_OK;
}

void object_hold(struct vm_object *object) {
    object->references++;
}

void object_release(struct vm_object *object) {
    if (--object->references > 0) {
        return;
    }
    object_give_pages(object);
    struct vm_object **link = &objects;
    while (*link != object) {
        link = &(*link)->next;
    }
    *link = object->next;
    int status = slab_free(&object_cache, object);
    ASSERT(status == STATUS_OK);
}
