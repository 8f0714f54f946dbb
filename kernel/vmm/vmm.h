/*
 * Virtual memory manager: a space is a window of a root and the ordered regions in it.
 *
 * A task's space has a root of its own. The kernel has two spaces on the kernel root, one per
 * window: `kernel_space`, and the heap's. A region is allocated, protected and freed whole. Its
 * backing is a kind; frames of ANONYMOUS and DEMAND regions are owned by the region and recorded
 * only in the page tables. A SHARED region shows an object (object/object.h) from an offset on, and
 * holds a reference to it: frames are the object's, and the region may reach past the object's end.
 * A PRIVATE region shows an object likewise until a page is written to: then that gets a copy,
 * which the region owns.
 *
 * Copy on write. vm_space_clone gives a space the regions of another one, and all private pages of
 * both are shared: mapped without WRITE, whatever their regions' flags. Who writes to such a page,
 * the kernel included, gets a copy; the last who has it gets WRITE, and keeps the frame. Who else
 * has a page is counted nowhere: a clone keeps every address, so it is whoever of the space's kin,
 * a ring of all that come of one another by cloning, maps the same address to the same frame. Thus
 * page tables are the only truth about frames, as they are without sharing, and spaces that were
 * never cloned pay nothing. Shortcoming: each question costs a walk of every kin.
 *
 * Region records, of all spaces, come from the slab cache "region" (slab/slab.h). So a space
 * without regions costs its root and nothing else.
 *
 * Every operation either succeeds or leaves regions, tables and frames as they were. Frames are
 * taken in this order: slab of records (if needed); then per page, ascending, the page, then its
 * missing tables; of a SHARED page, the object's missing nodes, the page, then its tables. Pages
 * are zeroed.
 *
 * Shortcoming: finding a region or a gap walks the list; it is linear in the number of regions.
 *
 * space.c has the spaces, alloc.c what is done to a region, regions.c the list and the records,
 * shared.c what shows an object, private.c what is copied on write, clone.c cloning, copy.c reading
 * and writing, fault.c page faults.
 */
#pragma once

#include "object/object.h"
#include "paging/paging.h"
#include "slab/slab.h"

enum vm_kind {
    VM_ANONYMOUS = 0, /* zeroed frames, all of them now */
    VM_DEMAND,        /* zeroed frames, each at its first touch */
    VM_PHYSICAL,      /* fixed physical addresses (MMIO); never given to the PMM */
    VM_GUARD,         /* nothing is mapped, a touch is reported as a guard hit */
    VM_SHARED,        /* an object's pages, each mapped at its first touch */
    VM_PRIVATE,       /* the same, without WRITE; and copied when written to */
    VM_KIND_COUNT,
};

struct vm_region {
    vaddr_t base;
    uint64_t length; /* bytes, multiple of 4 KiB */
    union {
        paddr_t physical; /* VM_PHYSICAL: of `base`; else PADDR_NONE */
        uint64_t offset;  /* VM_SHARED, VM_PRIVATE: of `base` in the object, in bytes */
    };
    uint32_t flags;         /* enum page_flags without GLOBAL */
    uint32_t kind;          /* enum vm_kind */
    struct vm_region *next; /* ascending base, NULL at the end */
    struct vm_region *previous;
    struct vm_object *object; /* VM_SHARED, VM_PRIVATE; else NULL */
};

struct vm_space {
    paddr_t root;
    vaddr_t base; /* regions lie in [base, limit) */
    vaddr_t limit;
    struct vm_region *first;
    uint64_t region_count;
    struct vm_space *kin; /* the next of the ring; NULL: it has none */
};

/* Where a new region's pages come from. */
struct vm_backing {
    uint32_t kind;
    uint32_t padding;
    struct vm_object *object; /* counts for VM_SHARED and VM_PRIVATE */
    union {
        paddr_t physical; /* counts for VM_PHYSICAL */
        uint64_t offset;  /* counts for VM_SHARED and VM_PRIVATE: bytes */
    };
};

extern struct slab_cache region_cache; /* of all spaces' records */
extern struct vm_space kernel_space;   /* window [KERNEL_WINDOW_BASE, KERNEL_WINDOW_END) */

/* Set up kernel_space and become the page-fault handler. Takes no frame. */
void vmm_init(void);

/* A space on an existing root, empty. Takes no frame. */
void vm_space_init(struct vm_space *space, paddr_t root, vaddr_t base, vaddr_t limit);

/*
 * A task's space: a new root, the window [TASK_WINDOW_BASE, TASK_WINDOW_END), no regions.
 * `space` may be copied elsewhere as long as it has no regions. Errors: NO_MEMORY.
 */
int vm_space_create(struct vm_space *space);

/*
 * Free all regions and the root of a space made by vm_space_create: the free-frame
 * count is what it was before. Errors, nothing changed: BUSY (its root is active).
 */
int vm_space_destroy(struct vm_space *space);

/*
 * Give a space without regions those of another one, both made by vm_space_create: private pages
 * are shared, copied on write; all else is mapped as it is there. Frames are taken in this order:
 * slabs of records, then tables, each before those below it. Errors, nothing changed, in this
 * order: INVALID (both are one); DENIED (the kernel's); BUSY (`to` has a region); NO_MEMORY.
 */
int vm_space_clone(struct vm_space *to, struct vm_space *from);

/*
 * A region in the lowest gap that holds it; its base goes to *base.
 * Errors, nothing changed, in this order:
 *   INVALID       length 0; unknown flags or GLOBAL; WRITE with EXEC; USER in a kernel window; no
 *                 such kind; no such cache mode, or one other than WB for a kind other than
 *                 PHYSICAL; any flag for a GUARD; SHARED or PRIVATE without an object
 *   MISALIGNED    length, the physical address of a PHYSICAL region, or the offset in an object,
 *                 not a multiple of 4 KiB
 *   OUT_OF_RANGE  physical end of a PHYSICAL region beyond the CPU's width; offset not before
 *                 the object's end
 *   NO_SPACE      no gap is large enough
 *   NO_MEMORY     fewer free frames than the operation takes
 */
int vm_alloc(struct vm_space *space, uint64_t length, uint32_t flags, struct vm_backing backing,
             vaddr_t *base);

/*
 * A region at exactly `base`. Errors: those of vm_alloc with, in place of NO_SPACE: MISALIGNED
 * (base), OUT_OF_RANGE (not inside the window, non-canonical included), MAPPED (overlaps a region).
 */
int vm_alloc_at(struct vm_space *space, vaddr_t base, uint64_t length, uint32_t flags,
                struct vm_backing backing);

/* Free the region that starts at `base`; one that shows an object releases it. Errors: NOT_MAPPED.
 */
int vm_free(struct vm_space *space, vaddr_t base);

/* Free every region of the space. */
void vm_free_all(struct vm_space *space);

/*
 * Change WRITE, USER and EXEC of the region that starts at `base`; the cache mode stays.
 * Errors, nothing changed, in this order: INVALID (any other flag, WRITE with EXEC, USER in a
 * kernel window); NOT_MAPPED; DENIED (a GUARD). Where pages may be borrowed, they get WRITE at
 * their next write only.
 */
int vm_protect(struct vm_space *space, vaddr_t base, uint32_t flags);

/*
 * Move the end of the ANONYMOUS, SHARED or PRIVATE region that starts at `base`; surplus pages are
 * unmapped. Of an ANONYMOUS one new pages are zeroed, surplus ones freed. Errors, nothing changed,
 * in this order: INVALID (length 0); MISALIGNED; NOT_MAPPED; DENIED (another kind); OUT_OF_RANGE
 * (beyond the window); MAPPED (into the next region); NO_MEMORY.
 */
int vm_resize(struct vm_space *space, vaddr_t base, uint64_t length);

/* A copy of the region that contains `va` (any alignment). Errors: NOT_MAPPED. */
int vm_query(const struct vm_space *space, vaddr_t va, struct vm_region *region);

/*
 * Copy out of and into a space, and between two, whichever root is active. Ranges may span
 * adjacent regions, of all kinds but PHYSICAL and GUARD. A DEMAND page that was never touched reads
 * as zeros and stays untouched; writing gives it its frame. A page of an object does likewise.
 * vm_copy goes up by steps that stay in one page of either range, each read whole before it is
 * written: that shows where the ranges have a page of an object in common. Errors,
 * nothing changed, in this order: INVALID (length 0; vm_copy: the two ranges overlap in the same
 * space); NOT_MAPPED (part of the range, the source first, has no region, or it wraps); DENIED
 * (GUARD or PHYSICAL, or writing without WRITE: for the lowest offending region, source first);
 * OUT_OF_RANGE (part of the range, likewise, lies past the end of its object); NO_MEMORY (frames
 * are counted region by region, so a page of an object that two of them show is counted twice). All
 * but the first and the last are decided region by region, ascending.
 */
int vm_read(const struct vm_space *space, vaddr_t va, void *buffer, uint64_t length);
int vm_write(struct vm_space *space, vaddr_t va, const void *buffer, uint64_t length);
int vm_copy(struct vm_space *to, vaddr_t to_va, const struct vm_space *from, vaddr_t from_va,
            uint64_t length);

/*
 * The space of the task half for page faults (NULL: none). Faults in the kernel window go to
 * kernel_space whatever this is.
 */
void vm_set_current(struct vm_space *space);

/*
 * Resolve a page fault: `error` is the CPU's error code. A not-present fault in a DEMAND region
 * whose flags permit the access gets a zeroed page, in a SHARED region the object's, in a PRIVATE
 * one that or, for a write, a copy. A write to a present page of a private region that has no WRITE
 * yet makes the page the region's own. Errors, nothing changed: NOT_MAPPED (no region); GUARD;
 * DENIED (the flags forbid the access, or the page was present); OUT_OF_RANGE (past the end of the
 * object); NO_MEMORY.
 */
int vm_fault(vaddr_t address, uint64_t error);
