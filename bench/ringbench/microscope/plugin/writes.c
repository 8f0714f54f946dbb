/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who wrote to some bytes of the guest.
 *
 * A write is one of the watched if its virtual address is, or if its frame is known as one that
 * the watched addresses stood for at an earlier write, whichever address is used now.
 */
#include "instrument.h"

static bool is_watched_page(uint64_t physical, uint64_t size) {
    uint64_t offset = physical % PAGE;
    for (uint64_t i = 0; i < shared->page_count; i++) {
        const struct watched_page *page = &shared->pages[i];
        if (page->page == physical - offset && offset < page->end && offset + size > page->begin) {
            return true;
        }
    }
    return false;
}

/* A watched address stands for this frame: from now on, the frame is watched as well. */
static void learn(uint64_t physical, uint64_t address) {
    uint64_t page = physical - physical % PAGE;
    uint64_t base = address - address % PAGE;
    uint64_t begin = shared->begin > base ? shared->begin - base : 0;
    uint64_t end = shared->end - base < PAGE ? shared->end - base : PAGE;
    for (uint64_t i = 0; i < shared->page_count; i++) {
        if (shared->pages[i].page == page) {
            return;
        }
    }
    if (shared->page_count < PAGES) {
        shared->pages[shared->page_count++] =
            (struct watched_page){.page = page, .begin = begin, .end = end};
    }
}

static void note(const struct access *access, uint64_t physical) {
    uint64_t number = __atomic_fetch_add(&shared->written, 1, __ATOMIC_RELAXED);
    struct record *record = &shared->records[number % shared->capacity];
    *record = (struct record){
        .event = event_now(access->cpu, access->pc),
        .place = {access->address, physical, access->size, true},
    };
    if (access->size <= sizeof(record->value)) {
        ram_read(physical, record->value, access->size);
    }
}

static void accessed(const struct access *access) {
    if (!access->is_store || !shared->capacity) {
        return;
    }
    uint64_t address = access->address, size = access->size;
    if (address < shared->end && address + size > shared->begin) {
        uint64_t physical = access_physical(access);
        if (physical != NOWHERE) {
            learn(physical, address);
        }
        note(access, physical);
        return;
    }
    for (uint64_t i = 0; i < shared->page_count; i++) { /* the same place in another page? */
        uint64_t offset = address % PAGE;
        if (offset < shared->pages[i].end && offset + size > shared->pages[i].begin) {
            uint64_t physical = access_physical(access);
            if (physical != NOWHERE && is_watched_page(physical, size)) {
                note(access, physical);
            }
            return;
        }
    }
}

const struct instrument writes_instrument = {.bits = WRITES, .accessed = accessed};
