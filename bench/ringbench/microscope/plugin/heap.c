/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The heap: every access to a page that blocks are on must be to bytes of a live one.
 *
 * An allocator's own accesses are not judged: those made while one of its functions has not
 * returned, and those of code that the bench calls its own. Of pages that only have blocks here and
 * there, bytes far from any block may be somebody else's: what lies between two blocks is the
 * heap's, and what is near one.
 */
#include "heap.h"

#include "calls.h"
#include "findings.h"
#include "instrument.h"
#include "shadow.h"
#include "traces.h"

#define NEAR 32 /* bytes around a block that are nobody else's */

/* Where the bytes [address, address + size) are that no live block has. */
struct wrong {
    uint64_t kind; /* 0: they may be somebody else's */
    const struct block *block;
    uint64_t distance;
};

static struct wrong judge(uint64_t address) {
    const struct block *before = shadow_before(address), *behind = shadow_behind(address);
    const struct block *freed = NULL;
    if (before && !before->is_live && address < before->address + before->size) {
        freed = before;
        before = before->is_cut && before->address ? shadow_before(before->address - 1) : NULL;
    }
    uint64_t end = before ? before->address + before->size : 0;
    /* Of a freed block in part of which there is another one by now, what is near that one is
       rather meant for it. */
    bool is_behind = before && before->is_live && address - end < NEAR;
    bool is_ahead = behind && behind->is_live && behind->address - address <= NEAR;
    if (freed && !(freed->is_cut && (is_behind || is_ahead))) {
        return (struct wrong){HEAP_AFTER_FREE, freed, address - freed->address};
    }
    uint64_t past = before ? address - end : UINT64_MAX;
    uint64_t ahead = behind ? behind->address - address : UINT64_MAX;
    if (!(before && behind) && past >= NEAR && ahead > NEAR) {
        return (struct wrong){0};
    }
    if (before && before->is_live && (past < ahead || !behind->is_live)) {
        return (struct wrong){HEAP_OVERRUN, before, past};
    }
    if (behind && behind->is_live) {
        return (struct wrong){HEAP_UNDERRUN, behind, ahead};
    }
    return (struct wrong){HEAP_OUTSIDE, past < ahead ? before : behind,
                          past < ahead ? past : ahead};
}

static void report(uint64_t kind, const struct access *access, const struct block *block,
                   uint64_t distance, uint64_t wrong) {
    struct finding *finding = finding_note(HEAP, kind, access);
    if (finding && block) {
        finding->detail[HEAP_BLOCK] = block->address;
        finding->detail[HEAP_SIZE] = block->size;
        finding->related[0] = trace_event(block->allocated);
        finding->related[1] = trace_event(block->freed);
    }
    if (finding) {
        finding->detail[HEAP_DISTANCE] = distance;
        finding->detail[HEAP_WRONG] = wrong;
    }
}

/* An access to a page of the heap's has bytes that no live block has. */
static void suspect(const struct access *access, uint64_t address, uint64_t size) {
    if (functions_inside(access->cpu, access->pc, HEAP)) {
        return;
    }
    lock();
    const struct shadow_page *page = shadow_find(address);
    uint64_t first = address, wrong = 0;
    for (uint64_t each = address; page && each < address + size; each++) {
        if (!shadow_is_live(page, each, 1)) {
            first = wrong++ ? first : each;
        }
    }
    struct wrong found = wrong ? judge(first) : (struct wrong){0};
    if (found.kind) {
        report(found.kind, access, found.block, found.distance, wrong);
    }
    unlock();
}

/*
 * An allocator's code, or what it has copy or fill memory, writes to a block in use. Right is that
 * of the block that the call under way is about, and of the one that is the stack. What locks and
 * interrupts do in the middle of a call is known by its code: it is not the allocator's.
 */
static void suspect_allocator(const struct access *access) {
    struct cpu_calls *calls = calls_of(access->cpu);
    struct call last = calls ? calls_last(calls) : (struct call){};
    if (!functions_own(access->pc, HEAP) &&
        !(functions_own(access->pc, COPIES) && functions_own(last.pc, HEAP))) {
        return;
    }
    lock();
    const struct block *block = shadow_overlap(access->address, access->size);
    bool is_stack = block && last.slot - block->address < block->size;
    if (block && block->is_live && !is_stack && !functions_concern(HEAP, 1, block->address)) {
        report(HEAP_OWN_WRITE, access, block, access->address - block->address, access->size);
    }
    unlock();
}

static void follow_written(const struct access *access, const struct shadow_page *page,
                           uint64_t address, uint64_t size) {
    if (access->is_store) {
        lock();
        shadow_set_written(address, size, true);
        unlock();
    } else if (!shadow_is_written(page, address, size) &&
               !functions_inside(access->cpu, access->pc, HEAP)) {
        lock();
        const struct block *block = shadow_before(address);
        if (block && block->is_live) {
            report(HEAP_UNWRITTEN, access, block, address - block->address, size);
        }
        unlock();
    }
}

static void judge_part(const struct access *access, struct shadow_page *page, uint64_t address,
                       uint64_t size) {
    if (!page->frame && page->live && address == access->address) {
        uint64_t physical = access_physical(access);
        if (physical != NOWHERE) {
            shadow_frame_seen(page, physical / PAGE);
        }
    }
    bool is_live = shadow_is_live(page, address, size);
    if (functions_called(access->cpu, HEAP)) {
        if (is_live && access->is_store) {
            suspect_allocator(access);
        }
    } else if (!is_live) {
        suspect(access, address, size);
    }
    if (page->written) {
        follow_written(access, page, address, size);
    }
}

static void accessed(const struct access *access) {
    uint64_t address = access->address, left = access->size;
    while (left) { /* once, unless it crosses into another page */
        uint64_t size = PAGE - address % PAGE < left ? PAGE - address % PAGE : left;
        struct shadow_page *page = shadow_may_have(address) ? shadow_find(address) : NULL;
        if (page) {
            judge_part(access, page, address, size);
        }
        address += size;
        left -= size;
    }
}

/* What a call is said to be at: where it was made. */
static struct access call_site(const struct visit *visit, uint64_t address) {
    return (struct access){.cpu = visit->cpu, .pc = visit->pc, .address = address};
}

static void give_back(const struct visit *visit, uint64_t address) {
    struct access access = call_site(visit, address);
    struct block *block = shadow_block(address);
    if (block && block->is_live) {
        shadow_free(block, trace_keep(visit->cpu, visit->pc));
    } else if (visit->function->flags & REFUSES) {
        return;
    } else if (block) {
        report(HEAP_DOUBLE_FREE, &access, block, 0, 0);
    } else if ((block = shadow_overlap(address, 1))) {
        report(HEAP_FREE_INSIDE, &access, block, address - block->address, 0);
    }
}

static void hand_out(const struct visit *visit, uint64_t address, uint64_t size) {
    const struct block *other =
        shadow_may_overlap(address, size) ? shadow_overlap(address, size) : NULL;
    if (other) {
        struct access access = call_site(visit, address);
        report(HEAP_TWICE, &access, other, 0, 0);
    }
    shadow_add(address, size, trace_keep(visit->cpu, visit->pc));
    shadow_set_written(address, size, visit->function->role == HEAP_ZALLOC);
}

static void entered(struct visit *visit) {
    uint64_t address = visit->argument[1];
    const struct block *block = shadow_block(address);
    switch (visit->function->role) {
    case HEAP_FREE:
        if (!(visit->function->flags & STATUS)) {
            give_back(visit, address);
        }
        break;
    case HEAP_REALLOC: /* when it returns, there may be another one at the address */
        visit->kept[0] = block && block->is_live ? block->allocated + 1ull : 0;
        if (address && !visit->kept[0]) {
            give_back(visit, address);
        }
        break;
    default:
        break;
    }
}

static void reallocated(const struct visit *visit, uint64_t result) {
    uint64_t old = visit->argument[1], size = visit->argument[0];
    struct block *block = old ? shadow_block(old) : NULL;
    bool is_there = block && block->is_live && block->allocated + 1ull == visit->kept[0];
    uint64_t kept = is_there && block->size < size ? block->size : size;
    if (is_there && (!visit->has_failed || size == 0)) {
        shadow_free(block, trace_keep(visit->cpu, visit->pc));
    }
    if (!visit->has_failed) {
        hand_out(visit, result, size);
        shadow_set_written(result, is_there ? kept : 0, true);
    }
}

/* Frames are somebody's now: what the heap had shown there before, it has given back. */
static void frames_taken(const struct visit *visit, uint64_t result) {
    uint64_t count = visit->argument[0];
    if (visit->function->role == HEAP_FRAMES_BYTES) {
        count = (count + PAGE - 1) / PAGE;
    }
    for (uint64_t i = 0; !visit->has_failed && i < count; i++) {
        shadow_frame_taken(result / visit->argument[2] + i);
    }
}

static void left(struct visit *visit, uint64_t result) {
    struct block *block;
    switch (visit->function->role) {
    case HEAP_ALLOC:
    case HEAP_ZALLOC:
        if (!visit->has_failed) {
            hand_out(visit, result, visit->argument[0] * visit->argument[2]);
        }
        break;
    case HEAP_REALLOC:
        reallocated(visit, result);
        break;
    case HEAP_FREE:
        if (visit->function->flags & STATUS && !visit->has_failed) {
            give_back(visit, visit->argument[1]);
        }
        break;
    case HEAP_USABLE:
        block = shadow_block(visit->argument[1]);
        if (block && block->is_live && result > block->size) {
            uint32_t allocated = block->allocated;
            uint64_t asked = block->size;
            shadow_free(block, 0);
            shadow_add(visit->argument[1], result, allocated);
            shadow_set_written(visit->argument[1] + asked, result - asked, false);
        }
        break;
    case HEAP_FRAMES:
    case HEAP_FRAMES_BYTES:
        frames_taken(visit, result);
        break;
    default:
        break;
    }
}

const struct instrument heap_instrument = {
    .bits = HEAP,
    .accessed = accessed,
    .entered = entered,
    .left = left,
};
