#include "slab/slab.h"
#include "cpu/print.h"
#include "console/commands.h"
#include "console/console.h"
#include "console/reply.h"

/* The console's cache of that number. Errors: NOT_FOUND. */
static int find_cache(uint64_t number, struct slab_cache **cache) {
    if (number >= CONSOLE_CACHES || console.caches[number].size == 0) {
        return STATUS_NOT_FOUND;
    }
    *cache = &console.caches[number];
    return STATUS_OK;
}

int command_slab_new(const struct arguments *arguments, struct reply *reply) {
    uint64_t number = 0;
    while (number < CONSOLE_CACHES && console.caches[number].size != 0) {
        number++;
    }
    if (number == CONSOLE_CACHES) {
        return STATUS_NO_SPACE;
    }
    char name[] = {'c', (char)('0' + number), '\0'};
    int status = slab_cache_create(&console.caches[number], name, arguments->at[0].number,
                                   arguments->at[1].number);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_DECIMAL, "", number);
    return STATUS_OK;
}

int command_slab_delete(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct slab_cache *cache;
    int status = find_cache(arguments->at[0].number, &cache);
    return status < 0 ? status : slab_cache_destroy(cache);
}

int command_slab_alloc(const struct arguments *arguments, struct reply *reply) {
    struct slab_cache *cache;
    void *object;
    int status = find_cache(arguments->at[0].number, &cache);
    if (status == STATUS_OK) {
        status = slab_alloc(cache, &object);
    }
    if (status < 0) {
        return status;
    }
    reply_address(reply, (vaddr_t)object);
    return STATUS_OK;
}

int command_slab_free(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct slab_cache *cache;
    int status = find_cache(arguments->at[0].number, &cache);
    return status < 0 ? status : slab_free(cache, (void *)arguments->at[1].number);
}

static uint64_t print_slabs(const struct slab_cache *cache) {
    uint64_t count = 0;
    for (const struct slab_link *at = cache->all.next; at != &cache->all; at = at->next) {
        const struct slab *slab = (const struct slab *)align_down((vaddr_t)at, FRAME_SIZE);
        print("    0x%lx %lu\n", (vaddr_t)slab, slab->used);
        count++;
    }
    return count;
}

int command_slab_list(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    uint64_t slabs = 0;
    for (const struct slab_cache *cache = slab_caches; cache; cache = cache->next) {
        print("  %s 0x%lx 0x%lx %lu\n", cache->name, cache->size, cache->alignment, cache->count);
        slabs += print_slabs(cache);
    }
    reply_add(reply, VALUE_DECIMAL, "", slabs);
    return STATUS_OK;
}
