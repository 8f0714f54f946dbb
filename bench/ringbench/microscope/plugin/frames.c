/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The frame allocator: nobody else uses a frame that was given back, by whichever mapping.
 *
 * Only frames that were handed out are known, so that what a kernel gives back at boot, to reserve
 * a part of it by other means, is nothing to it. Frames that are named by virtual addresses are
 * known by these alone.
 */
#include "frames.h"

#include "arena.h"
#include "findings.h"
#include "instrument.h"
#include "traces.h"

#define SLOTS_A_FRAME 2 /* of the table: never more than half full */
#define FIRST_DEVICE                                                            \
    0xa0u /* frames of the first MiB that are the PC's adapters' and firmware's \
           */
#define FIRST_RAM 0x100u
#define OFFSETS   8
#define LINEAR    16 /* frames that are seen at one distance from their addresses */

struct frame {
    uint64_t number; /* plus 1; 0: nothing */
    bool is_free;
    uint32_t allocated; /* traces */
    uint32_t freed;
};

/* How many pages physical addresses are from virtual ones, and of how many frames that was seen. */
struct offset {
    uint64_t distance;
    uint64_t last;
    uint64_t frames;
};

/* Which frame a page was last seen to show: as good as the processor's own translations, and as
   short-lived. */
#define CACHED 256
#define EPOCHS 4096

struct cached {
    uint64_t tag; /* page and epoch */
    uint64_t number;
};

struct cache {
    uint64_t epoch;
    struct cached entries[CACHED];
};

struct frames {
    uint64_t caches[CPUS]; /* of each processor, in the arena */
    uint64_t slots;
    uint64_t used;
    uint64_t free; /* frames that are known to be */
    struct frame *table;
    bool is_virtual;
    struct offset offsets[OFFSETS];
};

static struct frames *made(void) {
    struct frames *all = arena_root(&shared->root[ROOT_FRAMES], sizeof(struct frames));
    if (all && !all->slots) {
        uint64_t bytes = 0, slots = 1024;
        for (uint64_t i = 0; i < shared->ram_count; i++) {
            bytes += shared->ram[i].length;
        }
        while (slots < SLOTS_A_FRAME * bytes / PAGE) {
            slots *= 2;
        }
        all->table = arena_take(slots * sizeof(struct frame));
        all->slots = all->table ? slots : 0;
    }
    return all && all->slots ? all : NULL;
}

/* The slot of a frame, or the one that it can have. */
static struct frame *slot_of(const struct frames *all, uint64_t number) {
    uint64_t slot = number; /* neighbours are neighbours, so that little of the table is touched */
    for (;; slot++) {
        struct frame *frame = &all->table[slot % all->slots];
        if (frame->number == number + 1 || !frame->number) {
            return frame;
        }
    }
}

static struct frame *frame_made(struct frames *all, uint64_t number) {
    struct frame *frame = slot_of(all, number);
    if (!frame->number && all->used < all->slots / 2) {
        all->used++;
        frame->number = number + 1;
    }
    return frame->number ? frame : NULL;
}

static bool is_ram(uint64_t number) {
    return ram_has(number * PAGE) && (number < FIRST_DEVICE || number >= FIRST_RAM);
}

static void report(uint64_t kind, const struct access *access, uint64_t number,
                   const struct frame *frame) {
    struct finding *finding = finding_note(FRAMES, kind, access);
    if (finding) {
        finding->detail[FRAMES_FRAME] = number * PAGE;
        finding->related[0] = trace_event(frame ? frame->allocated : 0);
        finding->related[1] = trace_event(frame ? frame->freed : 0);
    }
}

/* -- accesses ----------------------------------------------------------------------------------
 */

/* Whether many frames are seen at this distance: as in a direct map, and not by a mapping of
 * theirs. */
static bool is_linear(const struct frames *all, uint64_t distance) {
    for (int i = 0; i < OFFSETS; i++) {
        if (all->offsets[i].distance == distance && all->offsets[i].frames >= LINEAR) {
            return true;
        }
    }
    return false;
}

static void learn_distance(struct frames *all, uint64_t distance, uint64_t number) {
    struct offset *least = &all->offsets[0];
    for (int i = 0; i < OFFSETS; i++) {
        struct offset *offset = &all->offsets[i];
        if (offset->frames && offset->distance == distance) {
            if (offset->last != number) {
                offset->last = number;
                offset->frames++;
            }
            return;
        }
        least = offset->frames < least->frames ? offset : least;
    }
    *least = (struct offset){distance, number, 1};
}

/* The number of the frame that an access goes to, NOWHERE if it is to none. */
static uint64_t frame_of(struct frames *all, const struct access *access) {
    uint64_t page = access->address / PAGE;
    if (all->is_virtual) {
        return page;
    }
    if (access->cpu >= CPUS) {
        return NOWHERE;
    }
    struct cache *cache = (struct cache *)all->caches[access->cpu];
    if (!cache && !(cache = arena_root(&all->caches[access->cpu], sizeof(struct cache)))) {
        return NOWHERE;
    }
    uint64_t tag = page * EPOCHS + cache->epoch + 1; /* never 0 */
    struct cached *entry = &cache->entries[page % CACHED];
    if (entry->tag != tag) {
        uint64_t where = access_physical(access);
        if (where == NOWHERE) {
            return NOWHERE;
        }
        *entry = (struct cached){tag, where / PAGE};
        learn_distance(all, page - where / PAGE, where / PAGE);
    }
    return entry->number;
}

static void flushed(unsigned int cpu, uint64_t pc) {
    struct frames *all = (struct frames *)shared->root[ROOT_FRAMES];
    struct cache *cache = all && cpu < CPUS ? (struct cache *)all->caches[cpu] : NULL;
    (void)pc;
    if (cache && ++cache->epoch == EPOCHS - 1) {
        *cache = (struct cache){.epoch = 0};
    }
}

static void accessed(const struct access *access) {
    struct frames *all = (struct frames *)shared->root[ROOT_FRAMES];
    if (!all || !all->used) {
        return;
    }
    uint64_t number = frame_of(all, access);
    if (number == NOWHERE || !all->free) {
        return;
    }
    const struct frame *frame = slot_of(all, number);
    if (frame->number && frame->is_free && !functions_inside(access->cpu, access->pc, FRAMES)) {
        bool linear = all->is_virtual || is_linear(all, access->address / PAGE - number);
        lock();
        report(linear ? FRAMES_AFTER_FREE : FRAMES_STILL_MAPPED, access, number, frame);
        unlock();
    }
}

/* -- calls -------------------------------------------------------------------------------------
 */

static struct access call_site(const struct visit *visit, uint64_t address) {
    return (struct access){.cpu = visit->cpu, .pc = visit->pc, .address = address};
}

static uint64_t count_of(const struct visit *visit) {
    bool bytes = visit->function->role >= FRAMES_ALLOC_BYTES;
    return bytes ? (visit->argument[0] + PAGE - 1) / PAGE : visit->argument[0];
}

static bool frees(const struct visit *visit) {
    return visit->function->role == FRAMES_FREE || visit->function->role == FRAMES_FREE_BYTES;
}

static void give_back(const struct visit *visit) {
    struct frames *all = made();
    uint64_t unit = visit->argument[2] & ~FRAMES_VIRTUAL;
    if (!all) {
        return;
    }
    uint64_t first = visit->argument[1] / unit, count = count_of(visit);
    for (uint64_t i = 0; i < count && i < all->slots; i++) {
        struct frame *frame = slot_of(all, first + i);
        if (!frame->number) {
            continue;
        }
        if (frame->is_free && visit->function->flags & REFUSES) {
            continue;
        }
        if (frame->is_free) {
            struct access access = call_site(visit, visit->argument[1]);
            report(FRAMES_DOUBLE_FREE, &access, first + i, frame);
            return;
        }
        frame->is_free = true;
        frame->freed = trace_keep(visit->cpu, visit->pc);
        all->free++;
    }
}

static void entered(struct visit *visit) {
    if (frees(visit) && !(visit->function->flags & STATUS)) {
        give_back(visit);
    }
}

static void left(struct visit *visit, uint64_t result) {
    struct frames *all = made();
    uint64_t unit = visit->argument[2] & ~FRAMES_VIRTUAL;
    if (frees(visit) && visit->function->flags & STATUS && !visit->has_failed) {
        give_back(visit);
    }
    if (!all || frees(visit) || visit->has_failed) {
        return;
    }
    all->is_virtual = visit->argument[2] & FRAMES_VIRTUAL;
    uint64_t first = result / unit, count = count_of(visit);
    struct access access = call_site(visit, result);
    for (uint64_t i = 0; i < count && i < all->slots; i++) {
        if (!all->is_virtual && !is_ram(first + i)) {
            report(FRAMES_NO_RAM, &access, first + i, NULL);
            return;
        }
        struct frame *frame = frame_made(all, first + i);
        if (!frame) {
            shared->lacking |= LACKS_ROOM;
            return;
        }
        if (frame->allocated && !frame->is_free) {
            report(FRAMES_TWICE, &access, first + i, frame);
        }
        all->free -= frame->is_free;
        *frame = (struct frame){.number = first + i + 1};
        frame->allocated = trace_keep(visit->cpu, visit->pc);
    }
}

const struct instrument frames_instrument = {
    .bits = FRAMES,
    .accessed = accessed,
    .flushed = flushed,
    .entered = entered,
    .left = left,
};
