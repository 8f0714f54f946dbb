/*
 * A kernel that keeps a frame map, a heap, processes and their areas, by names of its own and in
 * forms that are common: a ring of processes, a list of chunks, areas behind a pointer. It makes
 * them once, prints "kept", and waits.
 */
#include <stddef.h>
#include <stdint.h>

#define KERNEL_BASE 0xffffffff80000000ull
#define FRAMES      16384 /* of 64 MiB */
#define PAGE        4096ull
#define USER_AREA   0x40000000ull

enum protection {
    P_READ = 1,
    P_WRITE = 2,
    P_USER = 4,
    P_GUARD = 8
};

struct area {
    uint64_t start, stop; /* stop is the first address behind */
    unsigned prot : 4;
    struct area *next, *prev;
};

struct memory {
    uint64_t *tables; /* where the kernel sees the root table */
    struct area *areas;
    int area_count;
};

struct process {
    int pid;
    struct memory *memory;
    struct process *next; /* a ring */
};

struct chunk {
    uint32_t magic;
    uint8_t is_free;
    size_t bytes; /* without this header */
    struct chunk *next, *prev, *next_free;
};

struct {
    uint8_t bits[FRAMES / 8]; /* a bit is 1 where the frame is in use */
    size_t available;
} frame_map;

uint8_t arena[4 * PAGE] __attribute__((aligned(4096)));
struct chunk *chunks, *free_chunks;

uint64_t user_root[512] __attribute__((aligned(4096)));
uint64_t user_tables[3][512] __attribute__((aligned(4096)));
struct area user_areas[3];
struct memory user_memory = {user_root, user_areas, 3};
struct process idle = {0, NULL, NULL}, shell = {7, &user_memory, &idle};
struct process *processes = &idle, *running = &shell;

extern uint8_t high_table[];

static uint64_t physical(const void *address) {
    return (uint64_t)address - KERNEL_BASE;
}

static void take(uint64_t first, uint64_t end) {
    for (uint64_t frame = first; frame < end; frame++) {
        frame_map.bits[frame / 8] |= (uint8_t)(1u << frame % 8);
    }
    frame_map.available -= end - first;
}

/* Make the chunk of arena[from, to), which follows another. */
static struct chunk *cut(struct chunk *before, size_t from, size_t to, uint8_t is_free) {
    struct chunk *chunk = (struct chunk *)(arena + from);
    *chunk = (struct chunk){.magic = 0xc0ffee, .is_free = is_free, .prev = before};
    chunk->bytes = to - from - sizeof(struct chunk);
    if (before != NULL) {
        before->next = chunk;
    }
    return chunk;
}

static void make_heap(void) {
    struct chunk *chunk = chunks = cut(NULL, 0, 256, 0);
    free_chunks = chunk = cut(chunk, 256, 768, 1);
    chunk = cut(chunk, 768, 1280, 0);
    chunk = free_chunks->next_free = cut(chunk, 1280, sizeof(arena) - 64, 1);
    cut(chunk, sizeof(arena) - 64, sizeof(arena), 0);
}

static void make_user(void) {
    /* Two pages that may be written, one that may be read, and a guard behind each. */
    user_root[511] = (uint64_t)high_table + 3;
    user_root[0] = physical(user_tables[0]) + 7;
    user_tables[0][1] = physical(user_tables[1]) + 7;
    user_tables[1][0] = physical(user_tables[2]) + 7;
    user_tables[2][0] = 0x800000 + 7;
    user_tables[2][1] = 0x801000 + 7;
    user_tables[2][3] = 0x802000 + 5;
    user_areas[0] = (struct area){USER_AREA, USER_AREA + 2 * PAGE, P_READ | P_WRITE | P_USER,
                                  &user_areas[1], NULL};
    user_areas[1] = (struct area){USER_AREA + 2 * PAGE, USER_AREA + 3 * PAGE, P_GUARD,
                                  &user_areas[2], &user_areas[0]};
    user_areas[2] = (struct area){USER_AREA + 3 * PAGE, USER_AREA + 4 * PAGE, P_READ | P_USER, NULL,
                                  &user_areas[1]};
}

void kept_main(void) {
    frame_map.available = FRAMES;
    take(0, 0x400);            /* the first 4 MiB: firmware and image */
    take(0x800, 0x803);        /* the process's pages */
    take(FRAMES - 32, FRAMES); /* the firmware's again */
    make_heap();
    make_user();
    idle.next = &shell;
    for (const char *text = "kept\n"; *text != '\0'; text++) {
        __asm__ volatile("outb %0, %1" ::"a"(*text), "Nd"((uint16_t)0x3f8));
    }
    __asm__ volatile(
        "outb %0, $0x21; outb %0, $0xa1" ::"a"((uint8_t)0xff)); /* no interrupts come */
    for (;;) {
        __asm__ volatile("sti; hlt" ::"r"(processes), "r"(running));
    }
}
