/*
 * The memory of a small sound guest of 4 MiB, written down as the kernel's own structs: compiled
 * with the kernel's headers, never run. The tests load its sections where they would lie, add page
 * tables, and read it all back through the debug information.
 *
 *   frames      what
 *   0..255      low memory           256..511  kernel image
 *   512         PMM metadata         513, 515  slabs of regions
 *   514         slab of tasks
 *   516, 517    heap                 518       anonymous region of the kernel's space
 *   519         t1, anonymous        520       t1, demand (the first of two pages)
 *   521         console's bitmap     522..538  page tables (conftest.py)
 *   539..575    lent                 576..1023 free
 */
#include "base/layout.h"
#include "buddy/buddy.h"
#include "cpu/features.h"
#include "console/console.h"
#include "file/file.h"
#include "heap/heap.h"
#include "kmalloc/kmalloc.h"
#include "program/program.h"
#include "pmm/pmm.h"

#define FRAMES      1024
#define BLOCKS      2
#define KERNEL_ROOT (522 * FRAME_SIZE)
#define TASK_ROOT   (534 * FRAME_SIZE)
#define BARE_ROOT   (538 * FRAME_SIZE)

#define IN_FRAME(n)   __attribute__((section(".frame" #n), used))
#define DIRECT(frame) (DIRECT_MAP_BASE + (frame) * FRAME_SIZE)

/* --- boot ------------------------------------------------------------------------------------- */

struct cpu_features cpu_features = {.physical_bits = 36, .gib_pages = true, .no_execute = true};

struct boot_info boot_info = {
    .loader = LOADER_MULTIBOOT2,
    .module_count = 1,
    .command_line = "quiet crash=none",
    .modules = {{.base = 0x1000, .length = 0x123, .name = "first module"}},
    .map = {.limit = 1ULL << 36,
            .count = 3,
            .ranges = {{.base = 0, .length = MIB(1), .kind = MEMORY_LOW},
                       {.base = MIB(1), .length = MIB(1), .kind = MEMORY_KERNEL},
                       {.base = MIB(2), .length = MIB(2), .kind = MEMORY_AVAILABLE}}},
};

/* --- frames ----------------------------------------------------------------------------------- */

struct metadata {
    uint64_t free_bits[FRAMES / 64];
    uint64_t managed_bits[FRAMES / 64];
    uint64_t any[1];
    uint64_t whole[1];
    uint16_t block_free[BLOCKS];
    uint8_t block_words[BLOCKS] __attribute__((aligned(8)));
};

#define ALL (~0ULL)

IN_FRAME(512)
struct metadata metadata = {
    .free_bits =
        {[9] = ALL, [10] = ALL, [11] = ALL, [12] = ALL, [13] = ALL, [14] = ALL, [15] = ALL},
    .managed_bits = {[8] = ALL - 1,
                     [9] = ALL,
                     [10] = ALL,
                     [11] = ALL,
                     [12] = ALL,
                     [13] = ALL,
                     [14] = ALL,
                     [15] = ALL},
    .any = {2},
    .whole = {0},
    .block_free = {0, 448},
    .block_words = {0, 0xfe},
};

struct pmm pmm = {
    .frame_limit = FRAMES,
    .managed_count = 511,
    .free_count = 448,
    .free_bits = metadata.free_bits,
    .managed_bits = metadata.managed_bits,
    .block_free = metadata.block_free,
    .block_words = metadata.block_words,
    .any = {.top = 1, .middle = {1}, .bottom = metadata.any},
    .whole = {.bottom = metadata.whole},
    .metadata_base = 512 * FRAME_SIZE,
    .metadata_length = FRAME_SIZE,
};

/* --- disks, files: none ----------------------------------------------------------------------- */

struct disk disks[DISKS_MAX];
uint64_t disk_count;
struct file files[FILES_MAX];

/* --- spaces ----------------------------------------------------------------------------------- */

#define REGIONS ((FRAME_SIZE - SLAB_HEADER) / sizeof(struct vm_region)) /* 70, in two words */
#define TASKS   ((FRAME_SIZE - SLAB_HEADER) / sizeof(struct task))      /* 55, in one */

struct region_slab {
    struct slab header;
    struct vm_region regions[REGIONS];
};
struct task_slab {
    struct slab header;
    struct task tasks[TASKS];
};

struct slab_cache region_cache, task_cache;
struct region_slab kernel_slab, task_regions;
struct task_slab tasks;

IN_FRAME(513)
struct region_slab kernel_slab = {
    .header = {.room = {&region_cache.room, &task_regions.header.room},
               .all = {&region_cache.all, &task_regions.header.all},
               .cache = &region_cache,
               .used = 4,
               .words = 3,
               .free_bits = {ALL - 15, ALL >> 58, ALL, ALL, ALL, ALL, ALL, ALL}},
    .regions = {{.base = KERNEL_WINDOW_BASE,
                 .length = 0x1000,
                 .physical = PADDR_NONE,
                 .flags = PAGE_WRITE,
                 .kind = VM_ANONYMOUS,
                 .next = &kernel_slab.regions[2]},
                {.base = KERNEL_WINDOW_BASE + 0x4000,
                 .length = 0x2000,
                 .physical = 0xfee00000,
                 .flags = PAGE_WRITE | PAGE_CACHE_WC,
                 .kind = VM_PHYSICAL,
                 .previous = &kernel_slab.regions[2]},
                {.base = KERNEL_WINDOW_BASE + 0x1000,
                 .length = 0x1000,
                 .physical = PADDR_NONE,
                 .kind = VM_GUARD,
                 .next = &kernel_slab.regions[1],
                 .previous = &kernel_slab.regions[0]},
                {.base = HEAP_BASE,
                 .length = 0x2000,
                 .physical = PADDR_NONE,
                 .flags = PAGE_WRITE,
                 .kind = VM_ANONYMOUS}},
};

IN_FRAME(515)
struct region_slab task_regions = {
    .header = {.room = {&kernel_slab.header.room, &region_cache.room},
               .all = {&kernel_slab.header.all, &region_cache.all},
               .cache = &region_cache,
               .used = 2,
               .words = 3,
               .free_bits = {ALL - 3, ALL >> 58, ALL, ALL, ALL, ALL, ALL, ALL}},
    .regions = {{.base = TASK_WINDOW_BASE,
                 .length = 0x1000,
                 .physical = PADDR_NONE,
                 .flags = PAGE_USER | PAGE_EXEC,
                 .kind = VM_ANONYMOUS,
                 .next = &task_regions.regions[1]},
                {.base = TASK_WINDOW_BASE + 0x2000,
                 .length = 0x2000,
                 .physical = PADDR_NONE,
                 .flags = PAGE_USER | PAGE_WRITE,
                 .kind = VM_DEMAND,
                 .previous = &task_regions.regions[0]}},
};

struct slab_cache region_cache = {
    .room = {&task_regions.header.room, &kernel_slab.header.room},
    .all = {&task_regions.header.all, &kernel_slab.header.all},
    .first = SLAB_HEADER,
    .stride = 56,
    .count = REGIONS,
    .inverse = 0x6db6db6db6db6db7, /* times 7 it is 1 */
    .shift = 3,
    .words = 3,
    .last = 1,
    .last_word = ALL >> 58,
    .size = 56,
    .alignment = 8,
    .next = &task_cache,
    .name = "region",
};

IN_FRAME(514)
struct task_slab tasks = {
    .header = {.room = {&task_cache.room, &task_cache.room},
               .all = {&task_cache.all, &task_cache.all},
               .cache = &task_cache,
               .used = 1,
               .words = 1,
               .free_bits = {(ALL >> 9) - 1, ALL, ALL, ALL, ALL, ALL, ALL, ALL}},
    .tasks = {{.id = 1,
               .space = {.root = TASK_ROOT,
                         .base = TASK_WINDOW_BASE,
                         .limit = TASK_WINDOW_END,
                         .first = &task_regions.regions[0],
                         .region_count = 2}}},
};

struct slab_cache task_cache = {
    .room = {&tasks.header.room, &tasks.header.room},
    .all = {&tasks.header.all, &tasks.header.all},
    .first = SLAB_HEADER,
    .stride = 72,
    .count = TASKS,
    .inverse = 0x8e38e38e38e38e39, /* times 9 it is 1 */
    .shift = 3,
    .words = 1,
    .last_word = (ALL >> 9) - 1,
    .size = 72,
    .alignment = 8,
    .name = "task",
};

struct slab_cache *slab_caches = &region_cache;
struct slab_ram slab_ram = {DIRECT_MAP_BASE + MIB(2), MIB(2)};

paddr_t kernel_root = KERNEL_ROOT;

struct vm_space kernel_space = {
    .root = KERNEL_ROOT,
    .base = KERNEL_WINDOW_BASE,
    .limit = KERNEL_WINDOW_END,
    .first = &kernel_slab.regions[0],
    .region_count = 3,
};

/* --- heap: used 0x60, free 0x60, used 0x40, free to the end ----------------------------------- */

#define LOW_NODE  HEAP_BASE
#define FREE_NODE (HEAP_BASE + 0x60)
#define USED_NODE (HEAP_BASE + 0xc0)
#define TAIL_NODE (HEAP_BASE + 0x100)
#define HEAP_END  (HEAP_BASE + 0x2000)

/* The size of the node before, and of this one. */
#define HEADER(bytes_before, at, bytes, used)                  \
    .before = (bytes_before) / 8, .tag = (bytes) / 8 + (used), \
    .guard = (bytes_before) / 8 ^ ((bytes) / 8 + (used)) << 32 ^ (at) ^ HEAP_GUARD

struct heap_page {
    struct {
        struct {
            uint32_t before, tag;
            uint64_t guard;
        } header;
        uint8_t rest[0x60 - 16];
    } low_node;
    struct {
        struct heap_node node;
        uint8_t rest[0x60 - sizeof(struct heap_node)];
    } free_node;
    struct {
        struct heap_node node;
        uint8_t rest[0x40 - sizeof(struct heap_node)];
    } used_node;
    struct {
        struct heap_node node;
        uint8_t rest[HEAP_END - TAIL_NODE - sizeof(struct heap_node)];
    } tail_node;
};
_Static_assert(sizeof(struct heap_page) == 0x2000, "the nodes fill the heap");

__attribute__((section(".heap"), used)) struct heap_page heap_page = {
    .low_node = {.header = {HEADER(0ULL, LOW_NODE, 0x60ULL, 1)}},
    .free_node = {.node = {HEADER(0x60ULL, FREE_NODE, 0x60ULL, 0), .link = &heap.free[6]}},
    .used_node = {.node = {HEADER(0x60ULL, USED_NODE, 0x40ULL, 1)}},
    .tail_node = {.node = {HEADER(0x40ULL, TAIL_NODE, 0x1f00ULL, 0)}},
};

struct heap heap = {
    .end = HEAP_END,
    .last = &heap_page.tail_node.node,
    .first_bitmap = 1 << 0,
    .second_bitmap = {[0] = 1 << 6},
    .free = {[6] = &heap_page.free_node.node},
    .space = {.root = KERNEL_ROOT,
              .base = HEAP_BASE,
              .limit = HEAP_BASE + HEAP_SIZE,
              .first = &kernel_slab.regions[3],
              .region_count = 1},
};

/* --- buddy: nothing yet ----------------------------------------------------------------------- */

#define EMPTY(n)   {&buddy.free[n], &buddy.free[n]}
#define EMPTIES(n) EMPTY(n), EMPTY(n + 1), EMPTY(n + 2), EMPTY(n + 3), EMPTY(n + 4), EMPTY(n + 5)

struct buddy buddy = {
    .free = {EMPTIES(0), EMPTIES(6), EMPTIES(12), EMPTIES(18), EMPTIES(24), EMPTY(30)},
    .space = {.root = KERNEL_ROOT, .base = BUDDY_BASE, .limit = BUDDY_BASE + BUDDY_SIZE},
};

struct chain chain; /* the list alone */

/* --- tasks, console --------------------------------------------------------------------------- */

struct task boot_task = {.next = &tasks.tasks[0], .space = {.root = KERNEL_ROOT}};
struct program programs[PROGRAMS_MAX];
struct task *current_task = &tasks.tasks[0];
struct vm_space *current_space = &tasks.tasks[0].space;

IN_FRAME(521)
uint64_t lent_bits[FRAMES / 64] = {[8] = ALL << 27};

#define NONE PADDR_NONE
struct vm_object *objects; /* none */
struct vm_object spare_object;

struct console console = {
    .lent_bits = lent_bits,
    .lent_base = 521 * FRAME_SIZE,
    .lent_length = FRAME_SIZE,
    .roots = {BARE_ROOT, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
              NONE, NONE, NONE},
    .echo = true,
};
