/*
 * Physical memory: one bit for each frame, set where the frame is in use or is no RAM.
 *
 * Frames are taken from below. Memory beyond the direct map is not used.
 */
#include "kernel.h"

#define FRAMES        (DIRECT_MAP_SIZE / PAGE_SIZE)
#define FRAMES_A_WORD 64
#define FIRST_MIB     (0x100000 / PAGE_SIZE) /* the firmware's, and the loader's information */

/* --- what the loader says --------------------------------------------------------------------- */

#define INFO_MODULES     (1u << 3)
#define INFO_MEMORY_MAP  (1u << 6)
#define MEMORY_AVAILABLE 1

struct multiboot_info {
    uint32_t flags;
    uint32_t unused[4];
    uint32_t modules_count, modules;
    uint32_t symbols[4];
    uint32_t map_length, map;
};

struct module {
    uint32_t start, end, words, reserved;
};

struct map_entry {
    uint32_t size; /* of what follows */
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

/* --- the bitmap ------------------------------------------------------------------------------- */

static uint64_t bitmap[FRAMES / FRAMES_A_WORD];
static size_t end_frame;    /* there is no RAM from this frame on */
static size_t lowest_frame; /* no frame below this one is free */
size_t free_frames;

static bool in_use(size_t frame) {
    return bitmap[frame / FRAMES_A_WORD] >> frame % FRAMES_A_WORD & 1;
}

static void take(size_t frame) {
    if (!in_use(frame)) {
        bitmap[frame / FRAMES_A_WORD] |= 1ull << frame % FRAMES_A_WORD;
        free_frames--;
    }
}

static void give(size_t frame) {
    if (in_use(frame)) {
        bitmap[frame / FRAMES_A_WORD] &= ~(1ull << frame % FRAMES_A_WORD);
        free_frames++;
    }
}

/* --- at boot ---------------------------------------------------------------------------------- */

static uint64_t lower(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Whole frames of RAM only: rounded inwards. */
static void give_range(uint64_t start, uint64_t end) {
    size_t last = lower(end, DIRECT_MAP_SIZE) / PAGE_SIZE;
    for (size_t frame = round_up(start, PAGE_SIZE) / PAGE_SIZE; frame < last; frame++) {
        give(frame);
    }
    if (last > end_frame) {
        end_frame = last;
    }
}

/* What is used in part is used: rounded outwards. */
static void take_range(uint64_t start, uint64_t end) {
    size_t last = lower(round_up(end, PAGE_SIZE), DIRECT_MAP_SIZE) / PAGE_SIZE;
    for (size_t frame = start / PAGE_SIZE; frame < last; frame++) {
        take(frame);
    }
}

void frames_init(const struct multiboot_info *info) {
    extern char image_start[], image_end[];
    memset(bitmap, 0xff, sizeof(bitmap));
    if (!(info->flags & INFO_MEMORY_MAP)) {
        panic("the loader gives no memory map; its flags are", info->flags);
    }
    const char *map = at_physical(info->map);
    const char *map_end = map + info->map_length;
    for (const char *at = map; at < map_end; at += ((struct map_entry *)at)->size + 4) {
        const struct map_entry *entry = (const struct map_entry *)at;
        if (entry->type == MEMORY_AVAILABLE) {
            give_range(entry->base, entry->base + entry->length);
        }
    }
    for (const char *at = map; at < map_end; at += ((struct map_entry *)at)->size + 4) {
        const struct map_entry *entry = (const struct map_entry *)at;
        if (entry->type != MEMORY_AVAILABLE) {
            take_range(entry->base, entry->base + entry->length);
        }
    }
    take_range(0, FIRST_MIB * PAGE_SIZE);
    take_range((uint64_t)image_start, (uint64_t)image_end);
    if (info->flags & INFO_MODULES) {
        const struct module *module = at_physical(info->modules);
        for (uint32_t number = 0; number < info->modules_count; number++) {
            take_range(module[number].start, module[number].end);
        }
    }
}

/* --- taking and giving back ------------------------------------------------------------------- */

uint64_t frame_alloc(void) {
    for (size_t word = lowest_frame / FRAMES_A_WORD; word * FRAMES_A_WORD < end_frame; word++) {
        if (bitmap[word] != ~0ull) {
            size_t frame = word * FRAMES_A_WORD + __builtin_ctzll(~bitmap[word]);
            take(frame);
            lowest_frame = frame + 1;
            return frame * PAGE_SIZE;
        }
    }
    return 0;
}

uint64_t frames_alloc(size_t count, uint64_t align) {
    if (count == 0 || align == 0 || align % PAGE_SIZE != 0) {
        return 0;
    }
    size_t run = 0; /* so many free frames end here, the first of them aligned */
    for (size_t frame = lowest_frame; frame < end_frame; frame++) {
        if (in_use(frame) || (run == 0 && frame * PAGE_SIZE % align != 0)) {
            run = 0;
            continue;
        }
        run++;
        if (run == count) {
            size_t first = frame + 1 - count;
            for (size_t taken = first; taken <= frame; taken++) {
                take(taken);
            }
            return first * PAGE_SIZE;
        }
    }
    return 0;
}

void frame_free(uint64_t frame) {
    frames_free(frame, 1);
}

void frames_free(uint64_t first, size_t count) {
    size_t start = first / PAGE_SIZE;
    if (first % PAGE_SIZE != 0 || start >= end_frame || count > end_frame - start) {
        panic("frames_free: there is no frame at", first);
    }
    for (size_t frame = start; frame < start + count; frame++) {
        if (!in_use(frame)) {
            panic("frames_free: this frame is free already:", frame * PAGE_SIZE);
        }
        give(frame);
    }
    if (start < lowest_frame) {
        lowest_frame = start;
    }
}
