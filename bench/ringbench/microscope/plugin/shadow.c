/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pages and blocks are found by hash tables of numbers, which are as large as the arena allows for
 * and touched as they are used; neighbours in memory are neighbours there. A table of bits says of
 * most addresses that there is nothing.
 */
#include "shadow.h"

#include "arena.h"

#include <string.h>

#define UNIT      8  /* bytes, in which places in the arena are counted */
#define NEAR_EACH 32 /* bytes of memory whose blocks have a slot together */
#define FAR_PAGES 16 /* that are looked through for the nearest block */

struct heap {
    uint64_t filter[SHADOW_FILTER / 64]; /* stands first: shadow.h */
    uint32_t page_slots;
    uint32_t block_slots;
    uint32_t frame_slots;
    uint32_t count;  /* blocks so far */
    uint32_t *pages; /* each a place in the arena */
    uint32_t *blocks;
    uint32_t *frames; /* the page that was last seen to show a frame */
    uint32_t free_blocks;
    uint32_t free_pages;
};

static struct heap *made(void) {
    struct heap *heap = arena_root(&shared->root[ROOT_HEAP], sizeof(struct heap));
    if (heap && !heap->page_slots) {
        uint64_t bytes = 1ull << 22;
        for (uint64_t i = 0; i < shared->ram_count; i++) {
            bytes += shared->ram[i].length;
        }
        uint64_t pages = bytes / PAGE;
        heap->pages = arena_take(pages * sizeof(uint32_t));
        heap->blocks = arena_take(bytes / NEAR_EACH * sizeof(uint32_t));
        heap->frames = arena_take(pages * sizeof(uint32_t));
        if (!heap->pages || !heap->blocks || !heap->frames) {
            return NULL;
        }
        heap->frame_slots = heap->page_slots = pages;
        heap->block_slots = bytes / NEAR_EACH;
    }
    return heap;
}

static struct heap *known(void) {
    return (struct heap *)shared->root[ROOT_HEAP];
}

/* Places in the arena as 32-bit numbers, which are half of pointers. */
static void *at(uint32_t place) {
    return place ? (uint8_t *)(shared + 1) + (uint64_t)(place - 1) * UNIT : NULL;
}

static uint32_t place_of(const void *pointer) {
    return ((const uint8_t *)pointer - (const uint8_t *)(shared + 1)) / UNIT + 1;
}

struct shadow_page *shadow_find(uint64_t address) {
    const struct heap *heap = known();
    uint64_t number = address / PAGE;
    if (!heap || !shadow_may_have(address)) {
        return NULL;
    }
    struct shadow_page *page = at(heap->pages[number % heap->page_slots]);
    while (page && page->number != number) {
        page = at(page->next);
    }
    return page;
}

static struct shadow_page *page_made(struct heap *heap, uint64_t address) {
    struct shadow_page *page = shadow_find(address);
    if (page) {
        return page;
    }
    page = at(heap->free_pages);
    if (page) {
        heap->free_pages = page->next;
        *page = (struct shadow_page){.written = page->written};
    } else {
        page = arena_take(sizeof(struct shadow_page));
    }
    if (!page) {
        return NULL;
    }
    uint64_t number = address / PAGE;
    uint32_t *slot = &heap->pages[number % heap->page_slots];
    uint32_t bit = shadow_bit(address);
    page->number = number;
    page->next = *slot;
    *slot = place_of(page);
    heap->filter[bit / 64] |= 1ull << bit % 64;
    if (shared->instruments & UNWRITTEN && !page->written) {
        page->written = arena_take(PAGE / 8);
    }
    return page;
}

/* Set or clear bits [from, from + count) of a row. */
static void set_bits(uint64_t *row, uint64_t from, uint64_t count, bool value) {
    while (count) {
        uint64_t in_word = 64 - from % 64 < count ? 64 - from % 64 : count;
        uint64_t mask = (in_word == 64 ? ~0ull : (1ull << in_word) - 1) << from % 64;
        row[from / 64] = value ? row[from / 64] | mask : row[from / 64] & ~mask;
        from += in_word;
        count -= in_word;
    }
}

static bool all_set(const uint64_t *row, uint64_t from, uint64_t count) {
    while (count) {
        uint64_t in_word = 64 - from % 64 < count ? 64 - from % 64 : count;
        uint64_t mask = (in_word == 64 ? ~0ull : (1ull << in_word) - 1) << from % 64;
        if ((row[from / 64] & mask) != mask) {
            return false;
        }
        from += in_word;
        count -= in_word;
    }
    return true;
}

bool shadow_is_live(const struct shadow_page *page, uint64_t address, uint64_t size) {
    uint64_t first = address % PAGE / 8, last = (address % PAGE + size - 1) / 8;
    if (all_set(page->eights, first, last - first + 1)) {
        return true;
    }
    const struct block *block = shadow_before(address);
    return block && block->is_live && address + size <= block->address + block->size;
}

bool shadow_is_written(const struct shadow_page *page, uint64_t address, uint64_t size) {
    return !page->written || all_set(page->written, address % PAGE, size);
}

/* Go through the pages of [address, end) that are known. */
#define EACH_PAGE(page, from, count, address, end)                                               \
    for (uint64_t each_ = (address), from, count;                                                \
         each_ < (end) && (from = each_ % PAGE,                                                  \
                          count = PAGE - from < (end) - each_ ? PAGE - from : (end) - each_, 1); \
         each_ += count)                                                                         \
        for (struct shadow_page *page = shadow_find(each_); page; page = NULL)

void shadow_set_written(uint64_t address, uint64_t size, bool value) {
    EACH_PAGE(page, from, count, address, address + size) {
        if (page->written) {
            set_bits(page->written, from, count, value);
        }
    }
}

/* Eight bytes that are wholly of a block. */
static void set_live(uint64_t address, uint64_t size, bool value) {
    uint64_t begin = (address + 7) & -8ull, end = (address + size) & -8ull;
    EACH_PAGE(page, from, count, begin, end) {
        set_bits(page->eights, from / 8, count / 8, value);
    }
}

/* Where the chain begins of the blocks that begin near an address, and of a few others. */
static uint32_t *chain_of(const struct heap *heap, uint64_t address) {
    return &heap->blocks[address / NEAR_EACH % heap->block_slots];
}

struct block *shadow_block(uint64_t address) {
    const struct heap *heap = known();
    struct block *block = heap ? at(*chain_of(heap, address)) : NULL;
    while (block && block->address != address) {
        block = at(block->next);
    }
    return block;
}

static void forget(struct heap *heap, struct block *block) {
    uint32_t *link = chain_of(heap, block->address);
    while (at(*link) != block) {
        link = &((struct block *)at(*link))->next;
    }
    *link = block->next;
    block->next = heap->free_blocks;
    heap->free_blocks = place_of(block);
}

/* Of blocks that begin in the eight bytes at `base`: the last up to a limit, or the first behind.
 */
static struct block *in_eight(uint64_t base, uint64_t limit, bool before) {
    struct block *found = NULL;
    for (struct block *block = at(*chain_of(known(), base)); block; block = at(block->next)) {
        uint64_t address = block->address;
        if (address / 8 == base / 8 && (before ? address <= limit : address > limit) &&
            (!found || (before ? address > found->address : address < found->address))) {
            found = block;
        }
    }
    return found;
}

/* Clear the mark of eight bytes in which a block began, unless another one does as well. */
static void unmark(uint64_t address) {
    struct shadow_page *page = shadow_find(address);
    if (page && !in_eight(address & -8ull, UINT64_MAX, true)) {
        set_bits(page->starts, address % PAGE / 8, 1, false);
    }
}

/* The first block that begins on a page, and behind an address. */
static struct block *first_on(const struct shadow_page *page, uint64_t address) {
    uint64_t base = page->number * PAGE;
    uint64_t first = address >= base ? (address - base) / 8 : 0;
    for (uint64_t word = first / 64; word < PAGE / 8 / 64; word++) {
        uint64_t bits = page->starts[word];
        bits &= word == first / 64 ? ~0ull << first % 64 : ~0ull;
        for (; bits; bits &= bits - 1) {
            uint64_t eight = word * 64 + __builtin_ctzll(bits);
            struct block *block = in_eight(base + eight * 8, address, false);
            if (block) {
                return block;
            }
        }
    }
    return NULL;
}

static void mark(uint64_t address) {
    struct shadow_page *page = shadow_find(address);
    if (page) {
        set_bits(page->starts, address % PAGE / 8, 1, true);
    }
}

/* A new record of a block; NULL: no room. */
static struct block *record(struct heap *heap, uint64_t address, uint64_t size) {
    struct block *block = at(heap->free_blocks);
    if (block) {
        heap->free_blocks = block->next;
    } else {
        block = arena_take(sizeof(struct block));
    }
    if (block) {
        uint32_t *slot = chain_of(heap, address);
        *block = (struct block){.address = address, .size = size, .next = *slot};
        *slot = place_of(block);
    }
    return block;
}

/* Of a freed block, nothing of [address, end) is known any more. */
static void cut(struct heap *heap, struct block *block, uint64_t address, uint64_t end) {
    struct block was = *block;
    uint64_t was_end = was.address + was.size;
    if (was.address < address) {
        block->size = address - was.address;
        block->is_cut = true;
    } else {
        forget(heap, block);
        unmark(was.address);
    }
    if (was_end > end) {
        struct block *rest = record(heap, end, was_end - end);
        if (rest) {
            rest->allocated = was.allocated;
            rest->freed = was.freed;
            rest->is_cut = true;
            mark(end);
        }
    }
}

static void forget_freed(struct heap *heap, uint64_t address, uint64_t end) {
    struct block *block = shadow_before(address);
    if (block && !block->is_live && block->address + block->size > address) {
        cut(heap, block, address, end);
    }
    for (uint64_t base = address & -(uint64_t)PAGE; base < end; base += PAGE) {
        const struct shadow_page *page = shadow_find(base);
        uint64_t from = base < address ? address : base - 1;
        while (page && (block = first_on(page, from)) && block->address < end) {
            if (block->is_live) {
                from = block->address;
            } else {
                cut(heap, block, address, end);
            }
        }
    }
    block = shadow_block(address); /* one without bytes */
    if (block && !block->is_live) {
        forget(heap, block);
        unmark(address);
    }
}

struct block *shadow_add(uint64_t address, uint64_t size, uint32_t allocated) {
    struct heap *heap = made();
    size = size < UINT32_MAX ? size : UINT32_MAX;
    if (!heap || address + size < address) {
        return NULL;
    }
    forget_freed(heap, address, address + (size ? size : 1));
    struct block *block = shadow_block(address); /* a live one, of which no free was seen */
    if (!block) {
        block = record(heap, address, size);
    }
    if (!block) {
        return NULL;
    }
    block->size = size;
    block->allocated = allocated;
    block->freed = 0;
    block->is_live = true;
    uint64_t end = address + (size ? size : 1);
    for (uint64_t each = address & -(uint64_t)PAGE; each < end; each += PAGE) {
        struct shadow_page *page = page_made(heap, each);
        if (!page) {
            return NULL;
        }
        if (each > address) {
            page->cover = address;
        }
        page->frame = page->live ? page->frame : 0;
        page->live++;
    }
    mark(address);
    set_live(address, size, true);
    return block;
}

void shadow_free(struct block *block, uint32_t freed) {
    uint64_t end = block->address + (block->size ? block->size : 1);
    block->is_live = false;
    block->freed = freed;
    for (uint64_t each = block->address & -(uint64_t)PAGE; each < end; each += PAGE) {
        struct shadow_page *page = shadow_find(each);
        if (page && page->live) {
            page->live--;
        }
    }
    set_live(block->address, block->size, false);
}

struct block *shadow_before(uint64_t address) {
    for (uint64_t number = address / PAGE, far = 0; far < FAR_PAGES; number--, far++) {
        const struct shadow_page *page = shadow_find(number * PAGE);
        if (!page) {
            return NULL;
        }
        uint64_t last = far ? PAGE / 8 - 1 : address % PAGE / 8;
        for (uint64_t word = last / 64 + 1; word-- > 0;) {
            uint64_t bits = page->starts[word];
            bits &= word == last / 64 ? ~0ull >> (63 - last % 64) : ~0ull;
            for (; bits; bits &= ~(1ull << (63 - __builtin_clzll(bits)))) {
                uint64_t eight = word * 64 + 63 - __builtin_clzll(bits);
                struct block *block = in_eight(number * PAGE + eight * 8, address, true);
                if (block) {
                    return block;
                }
            }
        }
        if (page->cover) {
            struct block *block = shadow_block(page->cover);
            if (block && block->address + block->size > number * PAGE) {
                return block;
            }
        }
    }
    return NULL;
}

struct block *shadow_behind(uint64_t address) {
    for (uint64_t number = address / PAGE, far = 0; far < FAR_PAGES; number++, far++) {
        const struct shadow_page *page = shadow_find(number * PAGE);
        struct block *block = page ? first_on(page, address) : NULL;
        if (block || (!page && far)) {
            return block;
        }
    }
    return NULL;
}

static bool any_set(const uint64_t *row, uint64_t from, uint64_t count) {
    uint64_t found = 0;
    for (uint64_t i = from / 64; i * 64 < from + count; i++) {
        uint64_t mask = ~0ull;
        mask &= i * 64 < from ? ~0ull << from % 64 : ~0ull;
        mask &= from + count - i * 64 < 64 ? (1ull << (from + count - i * 64)) - 1 : ~0ull;
        found |= row[i] & mask;
    }
    return found;
}

bool shadow_may_overlap(uint64_t address, uint64_t size) {
    EACH_PAGE(page, from, count, address, address + size) {
        uint64_t first = from / 8, last = (from + count - 1) / 8;
        if (any_set(page->eights, first, last - first + 1)) {
            return true;
        }
    }
    return false;
}

struct block *shadow_overlap(uint64_t address, uint64_t size) {
    struct block *block = shadow_before(address);
    if (block && block->is_live && block->address + block->size > address) {
        return block;
    }
    block = shadow_behind(address);
    return block && block->is_live && block->address < address + size ? block : NULL;
}

void shadow_frame_seen(struct shadow_page *page, uint64_t frame) {
    const struct heap *heap = known();
    page->frame = frame;
    heap->frames[frame % heap->frame_slots] = place_of(page);
}

void shadow_frame_taken(uint64_t frame) {
    struct heap *heap = known();
    struct shadow_page *page =
        heap && heap->frame_slots ? at(heap->frames[frame % heap->frame_slots]) : NULL;
    if (!page || page->frame != frame || page->live) {
        return;
    }
    uint64_t base = page->number * PAGE;
    forget_freed(heap, base, base + PAGE);
    uint32_t *link = &heap->pages[page->number % heap->page_slots];
    while (at(*link) != page) {
        link = &((struct shadow_page *)at(*link))->next;
    }
    *link = page->next;
    page->next = heap->free_pages;
    heap->free_pages = place_of(page);
    heap->frames[frame % heap->frame_slots] = 0;
}
