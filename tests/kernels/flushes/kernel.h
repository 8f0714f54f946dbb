/* What the kernel's files have in common: a window of page tables, and ways to flush. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define IMAGE  0xffffffff80000000u
#define WINDOW 0xffffc00000000000u /* entry 384 of the root; all that is tried out happens here */
#define GIB    0x40000000u
#define MIB2   0x200000u
#define PAGE   0x1000u

#define PRESENT 0x1u
#define WRITE   0x3u /* present, and may be written to */
#define LARGE   0x80u
#define GLOBAL  0x100u
#define NO_EXEC 0x8000000000000000u

#define SEPARATE __attribute__((noinline))

typedef volatile uint64_t entry_t;

/* Tables of the window: its PDPT, the PD and PT of its beginning, and spare ones of each. */
extern entry_t window_pdpt[512], window_pd[512], window_pt[512], spare_pdpt[512], spare_pd[512],
    spare_pt[512], top_table[512], other_root[512];

/* The window's first pages are frame[0], frame[1], ... */
extern uint8_t frames[16][PAGE];

/* top_table, of the boot code, is linked to where it is. */
static inline uint64_t physical(const volatile void *address) {
    return (uint64_t)address < IMAGE ? (uint64_t)address : (uint64_t)address - IMAGE;
}

static inline volatile uint64_t *at(uint64_t address) {
    return (volatile uint64_t *)address;
}

static inline void flush(uint64_t address) {
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

static inline uint64_t read_cr3(void) {
    uint64_t value;
    __asm__ volatile("movq %%cr3, %0" : "=r"(value));
    return value;
}

static inline void load_cr3(uint64_t value) {
    __asm__ volatile("movq %0, %%cr3" ::"r"(value) : "memory");
}

static inline uint64_t read_cr4(void) {
    uint64_t value;
    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}

static inline void load_cr4(uint64_t value) {
    __asm__ volatile("movq %0, %%cr4" ::"r"(value) : "memory");
}

#define CR4_PGE 0x80u

/* A wrong thing to do, or the right one beside it; each begins with a window as it was made. */
struct trial {
    const char *name;
    void (*perform)(void);
};

extern const struct trial trials[];
