/* Changing and removing translations that are there. */
#include "paging/paging.h"

#include "cpu/instructions.h"
#include "paging/check.h"
#include "paging/tables.h"
#include "pmm/pmm.h"

/* The bits that all leaves of a level have set. An entry of a lower level's table has them not. */
static inline uint64_t leaf_mark(unsigned level) {
    return level == 1 ? PTE_P : PTE_P | PTE_PS;
}

/*
 * Calls `visit` for every leaf of a range, ascending. One walk serves all neighbours in a table: a
 * table pointer among them ends the run before itself, an entry that is not present does not.
 * `collect`: the visitor clears entries, so tables may have become empty.
 */
typedef void visitor(uint64_t *entry, unsigned level, vaddr_t va, void *context);

__attribute__((always_inline)) static inline void
each_leaf(paddr_t root, vaddr_t va, uint64_t length, visitor *visit, void *context, bool collect) {
    while (length) {
        struct walk at = walk(root, va, 1);
        uint64_t *entry = at.entry;
        uint64_t size = level_size(at.level);
        uint64_t mark = leaf_mark(at.level);
        uint64_t left = bytes_in_table(va, length, at.level);
        vaddr_t stop = va + left - 1; /* the last byte; the end may be 2^64 */
        vaddr_t page = align_down(va, size);
        do {
            if ((*entry & mark) == mark) {
                visit(entry, at.level, page, context);
            } else if (entry_is_present(*entry)) {
                break;
            }
            entry++;
            page += size;
        } while (page - 1 < stop);
        if (collect) {
            uint64_t behind = (page - 1 - va) >> level_shift(at.level);
            tables_collect(root, page - 1, at.entry + behind, at.level);
        }
        uint64_t done = min_u64(page - va, length);
        va += done;
        length -= done;
    }
}

/* Whether the range is mapped throughout and cuts no leaf; decided by its lowest offending page. */
static int check_mapped(paddr_t root, vaddr_t va, uint64_t length) {
    while (length) {
        struct walk at = walk(root, va, 1);
        uint64_t size = level_size(at.level);
        uint64_t mark = leaf_mark(at.level);
        if (!entry_is_present(*at.entry)) {
            return STATUS_NOT_MAPPED;
        }
        if (!is_aligned(va, size) || length < size) {
            return STATUS_MISALIGNED;
        }
        uint64_t entries = bytes_in_table(va, length, at.level) >> level_shift(at.level);
        const uint64_t *entry = at.entry;
        const uint64_t *end = entry + entries;
        while (entry < end && (*entry & mark) == mark) {
            entry++;
        }
        uint64_t done = (uint64_t)(entry - at.entry) << level_shift(at.level);
        va += done;
        length -= done;
    }
    return STATUS_OK;
}

static void count_leaf(uint64_t *entry, unsigned level, vaddr_t va, void *context) {
    (void)entry, (void)va;
    *(uint64_t *)context += level_size(level) / PAGE_SIZE_4K;
}

uint64_t paging_pages_present(paddr_t root, vaddr_t va, uint64_t length) {
    uint64_t pages = 0;
    each_leaf(root, va, length, count_leaf, &pages, false);
    return pages;
}

struct clearing {
    void (*release)(paddr_t frame);
};

static void clear_leaf(uint64_t *entry, unsigned level, vaddr_t va, void *context) {
    const struct clearing *clearing = context;
    paddr_t physical = leaf_physical(*entry, level);
    *entry = 0;
    invlpg(va);
    if (clearing->release) {
        clearing->release(physical);
    }
}

void paging_clear(paddr_t root, vaddr_t va, uint64_t length, void (*release)(paddr_t frame)) {
    struct clearing clearing = {release};
    each_leaf(root, va, length, clear_leaf, &clearing, true);
}

struct selecting {
    page_predicate predicate;
    const void *context;
    uint64_t count;
};

static void clear_leaf_unless(uint64_t *entry, unsigned level, vaddr_t va, void *context) {
    const struct selecting *selecting = context;
    paddr_t frame = leaf_physical(*entry, level);
    *entry = 0;
    invlpg(va);
    if (!selecting->predicate(selecting->context, va, frame)) {
        frame_give(frame);
    }
}

void paging_clear_unless(paddr_t root, vaddr_t va, uint64_t length, page_predicate stays,
                         const void *context) {
    struct selecting selecting = {stays, context, 0};
    each_leaf(root, va, length, clear_leaf_unless, &selecting, true);
}

static void count_leaf_if(uint64_t *entry, unsigned level, vaddr_t va, void *context) {
    struct selecting *selecting = context;
    selecting->count += selecting->predicate(selecting->context, va, leaf_physical(*entry, level));
}

uint64_t paging_count_if(paddr_t root, vaddr_t va, uint64_t length, page_predicate holds,
                         const void *context) {
    struct selecting selecting = {holds, context, 0};
    each_leaf(root, va, length, count_leaf_if, &selecting, false);
    return selecting.count;
}

void paging_replace(paddr_t root, vaddr_t va, paddr_t frame, uint32_t flags) {
    *walk(root, va, 1).entry = frame | leaf_bits(flags, 1);
    invlpg(va);
}

struct reflagging {
    uint64_t small; /* bits of a 4 KiB leaf */
    uint64_t large;
};

static void reflag_leaf(uint64_t *entry, unsigned level, vaddr_t va, void *context) {
    const struct reflagging *to = context;
    *entry = leaf_physical(*entry, level) | (level == 1 ? to->small : to->large);
    invlpg(va);
}

void paging_reflag(paddr_t root, vaddr_t va, uint64_t length, uint32_t flags) {
    struct reflagging to = {leaf_bits(flags, 1), leaf_bits(flags, 2)};
    each_leaf(root, va, length, reflag_leaf, &to, false);
}

/* Whether `count` entries of a lowest table are all in use. */
static inline bool run_is_present(const uint64_t *entry, uint64_t count) {
    for (const uint64_t *end = entry + count; entry < end; entry++) {
        if (!entry_is_present(*entry)) {
            return false;
        }
    }
    return true;
}

static inline void run_clear(uint64_t *entry, uint64_t count, vaddr_t va) {
    for (const uint64_t *end = entry + count; entry < end; entry++) {
        *entry = 0;
        invlpg(va);
        va += PAGE_SIZE_4K;
    }
}

int paging_unmap(paddr_t root, vaddr_t va, uint64_t length) {
    if (length == 0) {
        return STATUS_INVALID;
    }
    if (!is_aligned(va | length, PAGE_SIZE_4K)) {
        return STATUS_MISALIGNED;
    }
    if (!range_is_canonical(va, length)) {
        return STATUS_NON_CANONICAL;
    }
    struct walk at = walk(root, va, 1);
    if (at.level == 1 && bytes_in_table(va, length, 1) == length) {
        /* All of it is in one table of 4 KiB pages. */
        uint64_t count = length / PAGE_SIZE_4K;
        if (!run_is_present(at.entry, count)) {
            return STATUS_NOT_MAPPED;
        }
        run_clear(at.entry, count, va);
        tables_collect(root, va + (length - 1), at.entry + (count - 1), 1);
        return STATUS_OK;
    }
    int status = check_mapped(root, va, length);
    if (status < 0) {
        return status;
    }
    paging_clear(root, va, length, NULL);
    return STATUS_OK;
}

int paging_protect(paddr_t root, vaddr_t va, uint64_t length, uint32_t flags) {
    if (length == 0 || !flags_are_valid(flags)) {
        return STATUS_INVALID;
    }
    if (!is_aligned(va | length, PAGE_SIZE_4K)) {
        return STATUS_MISALIGNED;
    }
    if (!range_is_canonical(va, length)) {
        return STATUS_NON_CANONICAL;
    }
    if (va >= KERNEL_HALF && flags & PAGE_USER) {
        return STATUS_DENIED;
    }
    int status = check_mapped(root, va, length);
    if (status < 0) {
        return status;
    }
    paging_reflag(root, va, length, flags);
    return STATUS_OK;
}
