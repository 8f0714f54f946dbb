/*
 * What can be wrong with a flush, each as a function of its own, and well done. The access that
 * comes too early is on a line that is marked with "stale".
 */
#include "kernel.h"

static void use(uint64_t page) {
    *at(WINDOW + page * PAGE) = page;
}

/* --- leaves -------------------------------------------------------------------------------------
 */

SEPARATE static void unmap(void) {
    use(1);
    window_pt[1] = 0;
    (void)*at(WINDOW + PAGE); /* stale */
}

SEPARATE static void unmap_well(void) {
    use(1);
    window_pt[1] = 0;
    flush(WINDOW + PAGE);
    window_pt[1] = physical(frames[1]) | WRITE;
    use(1);
}

SEPARATE static void remap(void) {
    use(1);
    window_pt[1] = physical(frames[9]) | WRITE;
    *at(WINDOW + PAGE + 8) = 1; /* stale */
}

SEPARATE static void remap_well(void) {
    use(1);
    window_pt[1] = physical(frames[9]) | WRITE;
    flush(WINDOW + PAGE + 0x123);
    use(1);
}

SEPARATE static void remap_and_back(void) {
    use(1);
    window_pt[1] = physical(frames[9]) | WRITE;
    window_pt[1] = physical(frames[1]) | WRITE;
    use(1); /* in use(): stale, if the processor looked ahead in between */
}

SEPARATE static void protect(void) {
    use(2);
    window_pt[2] = physical(frames[2]) | PRESENT;
    *at(WINDOW + 2 * PAGE) = 7; /* stale */
}

SEPARATE static void protect_read_well(void) {
    use(2);
    window_pt[2] = physical(frames[2]) | PRESENT;
    (void)*at(WINDOW + 2 * PAGE); /* may still be read, whatever the processor remembers */
    flush(WINDOW + 2 * PAGE);
}

SEPARATE static void protect_more_well(void) {
    window_pt[2] = physical(frames[2]) | PRESENT;
    flush(WINDOW + 2 * PAGE);
    (void)*at(WINDOW + 2 * PAGE);
    window_pt[2] = physical(frames[2]) | WRITE; /* gives a right, and takes none */
    use(2);
}

SEPARATE static void forbid_execution(void) {
    frames[3][0] = 0xc3; /* RET */
    ((void (*)(void))(WINDOW + 3 * PAGE))();
    window_pt[3] = physical(frames[3]) | WRITE | NO_EXEC;
    ((void (*)(void))(WINDOW + 3 * PAGE))(); /* stale */
}

SEPARATE static void forbid_execution_well(void) {
    frames[3][0] = 0xc3;
    ((void (*)(void))(WINDOW + 3 * PAGE))();
    window_pt[3] = physical(frames[3]) | WRITE | NO_EXEC;
    use(3); /* no code */
    flush(WINDOW + 3 * PAGE);
}

SEPARATE static void wrong_page(void) {
    use(1);
    window_pt[1] = physical(frames[9]) | WRITE;
    flush(WINDOW + 2 * PAGE);
    (void)*at(WINDOW + PAGE); /* stale */
}

SEPARATE static void too_early(void) {
    use(1);
    flush(WINDOW + PAGE);
    window_pt[1] = physical(frames[9]) | WRITE;
    (void)*at(WINDOW + PAGE); /* stale */
}

SEPARATE static void one_of_two(void) {
    window_pt[1] = physical(frames[9]) | WRITE;
    window_pt[2] = physical(frames[10]) | WRITE;
    flush(WINDOW + PAGE);
    use(1);
    use(2); /* in use(): stale */
}

SEPARATE static void half_an_entry(void) {
    use(1);
    *(volatile uint32_t *)&window_pt[1] = 0;
    *((volatile uint32_t *)&window_pt[1] + 1) = 0;
    (void)*at(WINDOW + PAGE); /* stale */
}

SEPARATE static void through_the_other_mapping(void) {
    use(1);
    *at(physical(&window_pt[1])) = 0;
    (void)*at(WINDOW + PAGE); /* stale */
}

/* --- global leaves ------------------------------------------------------------------------------
 */

SEPARATE static void global_by_cr3(void) {
    window_pt[4] |= GLOBAL;
    flush(WINDOW + 4 * PAGE);
    use(4);
    window_pt[4] = physical(frames[9]) | WRITE | GLOBAL;
    load_cr3(read_cr3());
    (void)*at(WINDOW + 4 * PAGE); /* stale */
}

SEPARATE static void global_by_same_cr4(void) {
    window_pt[4] |= GLOBAL;
    flush(WINDOW + 4 * PAGE);
    use(4);
    window_pt[4] = physical(frames[9]) | WRITE;
    load_cr4(read_cr4());
    (void)*at(WINDOW + 4 * PAGE); /* stale */
}

SEPARATE static void global_by_cr4_well(void) {
    window_pt[4] |= GLOBAL;
    flush(WINDOW + 4 * PAGE);
    use(4);
    window_pt[4] = physical(frames[9]) | WRITE | GLOBAL;
    load_cr4(read_cr4() & ~(uint64_t)CR4_PGE);
    use(4);
    load_cr4(read_cr4() | CR4_PGE);
    window_pt[4] = physical(frames[4]) | WRITE;
    flush(WINDOW + 4 * PAGE);
    use(4);
}

SEPARATE static void cr3_well(void) {
    use(1);
    window_pt[1] = physical(frames[9]) | WRITE;
    load_cr3(read_cr3());
    use(1);
}

/* Another root has no window; what was global stays in the processor, and is owed from then on. */
SEPARATE static void global_of_another_root(void) {
    window_pt[4] |= GLOBAL;
    flush(WINDOW + 4 * PAGE);
    use(4);
    load_cr3(physical(other_root));
    window_pt[4] = physical(frames[9]) | WRITE | GLOBAL; /* the old root's, which has gone */
    other_root[384] = physical(window_pdpt) | WRITE;
    (void)*at(WINDOW + 4 * PAGE); /* stale */
    load_cr3(physical(top_table));
}

SEPARATE static void private_of_another_root_well(void) {
    use(1);
    load_cr3(physical(other_root));
    window_pt[1] = physical(frames[9]) | WRITE;
    other_root[384] = physical(window_pdpt) | WRITE;
    use(1);
    load_cr3(physical(top_table));
}

/* --- large leaves -------------------------------------------------------------------------------
 */

SEPARATE static void large(void) {
    window_pd[1] = 0x400000 | WRITE | LARGE;
    (void)*at(WINDOW + MIB2 + 5 * PAGE);
    window_pd[1] = 0x600000 | WRITE | LARGE;
    (void)*at(WINDOW + MIB2 + 6 * PAGE); /* stale */
}

SEPARATE static void large_well(void) {
    window_pd[1] = 0x400000 | WRITE | LARGE;
    (void)*at(WINDOW + MIB2 + 5 * PAGE);
    window_pd[1] = 0x600000 | WRITE | LARGE;
    flush(WINDOW + MIB2 + 9 * PAGE); /* any address of the page */
    (void)*at(WINDOW + MIB2 + 6 * PAGE);
}

SEPARATE static void gib(void) {
    window_pdpt[1] = 0 | WRITE | LARGE;
    (void)*at(WINDOW + GIB + 3 * MIB2);
    window_pdpt[1] = GIB | WRITE | LARGE;
    (void)*at(WINDOW + GIB + 3 * MIB2); /* stale */
}

SEPARATE static void gib_well(void) {
    window_pdpt[1] = 0 | WRITE | LARGE;
    (void)*at(WINDOW + GIB + 3 * MIB2);
    window_pdpt[1] = 0 | PRESENT | LARGE;
    flush(WINDOW + GIB);
    (void)*at(WINDOW + GIB + 3 * MIB2);
}

static void split(uint64_t moved) {
    window_pd[1] = 0x400000 | WRITE | LARGE;
    (void)*at(WINDOW + MIB2 + 5 * PAGE);
    for (uint64_t i = 0; i < 512; i++)
        spare_pt[i] = (0x400000 + i * PAGE) | WRITE;
    spare_pt[5] = (0x400000 + moved * PAGE) | WRITE;
    window_pd[1] = physical(spare_pt) | WRITE;
}

SEPARATE static void split_and_moved(void) {
    split(7);
    (void)*at(WINDOW + MIB2 + 5 * PAGE); /* stale */
}

SEPARATE static void split_well(void) {
    split(5);
    (void)*at(WINDOW + MIB2 + 5 * PAGE); /* the same as before */
    spare_pt[5] = 0x407000 | WRITE;
    flush(WINDOW + MIB2 + 5 * PAGE);
    (void)*at(WINDOW + MIB2 + 5 * PAGE);
}

SEPARATE static void split_and_unmapped(void) {
    split(5);
    spare_pt[5] = 0x407000 | WRITE;
    flush(WINDOW + MIB2 - PAGE);
    (void)*at(WINDOW + MIB2 + 5 * PAGE); /* stale */
}

/* --- upper levels -------------------------------------------------------------------------------
 */

SEPARATE static void other_table(void) {
    use(1);
    spare_pt[1] = physical(frames[9]) | WRITE;
    window_pd[0] = physical(spare_pt) | WRITE;
    (void)*at(WINDOW + PAGE); /* stale */
}

SEPARATE static void other_table_well(void) {
    use(1);
    spare_pt[1] = physical(frames[9]) | WRITE;
    window_pd[0] = physical(spare_pt) | WRITE;
    load_cr3(read_cr3());
    use(1);
}

SEPARATE static void emptied_table(void) {
    for (uint64_t i = 0; i < 8; i++) {
        window_pt[i] = 0;
        flush(WINDOW + i * PAGE);
    }
    window_pd[0] = 0; /* after the last flush */
    spare_pt[1] = physical(frames[9]) | WRITE;
    window_pd[0] = physical(spare_pt) | WRITE;
    (void)*at(WINDOW + PAGE); /* stale */
}

SEPARATE static void emptied_table_well(void) {
    for (uint64_t i = 0; i < 8; i++) {
        window_pt[i] = 0;
        flush(WINDOW + i * PAGE);
    }
    window_pd[0] = 0;
    flush(WINDOW + 3 * GIB); /* any address will do for entries of upper levels */
    spare_pt[1] = physical(frames[9]) | WRITE;
    window_pd[0] = physical(spare_pt) | WRITE;
    use(1);
}

SEPARATE static void table_without_leaves(void) {
    use(1);
    window_pd[0] = 0;
    flush(WINDOW); /* of one page only, and others were mapped */
    spare_pt[1] = physical(frames[9]) | WRITE;
    window_pd[0] = physical(spare_pt) | WRITE;
    (void)*at(WINDOW + PAGE); /* stale */
}

/* A table that is in use before it is cleared: a processor may have kept what was in it. */
static void clear_late(uint64_t before) {
    spare_pt[1] = before;
    window_pd[1] = physical(spare_pt) | WRITE;
    spare_pt[1] = 0;
    spare_pt[1] = physical(frames[1]) | WRITE;
}

SEPARATE static void cleared_late(void) {
    clear_late(physical(frames[12]) | WRITE);
    (void)*at(WINDOW + MIB2 + PAGE); /* stale */
}

SEPARATE static void cleared_late_well(void) {
    clear_late(0x0010516c60700007); /* nothing that a processor takes for an entry */
    (void)*at(WINDOW + MIB2 + PAGE);
}

SEPARATE static void directory(void) {
    use(1);
    spare_pt[1] = physical(frames[9]) | WRITE;
    spare_pd[0] = physical(spare_pt) | WRITE;
    window_pdpt[0] = physical(spare_pd) | WRITE;
    (void)*at(WINDOW + PAGE); /* stale */
}

SEPARATE static void directory_protected(void) {
    use(1);
    window_pdpt[0] = physical(window_pd) | PRESENT;
    *at(WINDOW + PAGE) = 1; /* stale */
}

SEPARATE static void directory_protected_well(void) {
    use(1);
    window_pdpt[0] = physical(window_pd) | PRESENT;
    (void)*at(WINDOW + PAGE);
    load_cr3(read_cr3());
    (void)*at(WINDOW + PAGE);
}

SEPARATE static void root_entry(void) {
    use(1);
    top_table[384] = 0;
    (void)*at(WINDOW + PAGE); /* stale */
}

SEPARATE static void root_entry_well(void) {
    use(1);
    top_table[384] = 0;
    load_cr3(read_cr3());
    top_table[384] = physical(window_pdpt) | WRITE;
    use(1);
}

SEPARATE static void shared_table(void) {
    window_pd[1] = physical(window_pt) | WRITE; /* the same table twice */
    use(1);
    (void)*at(WINDOW + MIB2 + PAGE);
    window_pt[1] = physical(frames[9]) | WRITE;
    flush(WINDOW + PAGE);
    use(1);
    (void)*at(WINDOW + MIB2 + PAGE); /* stale */
}

SEPARATE static void reused_table(void) {
    use(1);
    window_pd[0] = 0;
    window_pt[20] = 0x1234567; /* stale: what was a table has data, which look like an entry */
}

SEPARATE static void reused_table_well(void) {
    use(1);
    window_pd[0] = 0;
    window_pt[1] = 0; /* no entry, if the processor should still come here */
    load_cr3(read_cr3());
    window_pt[20] = 0x1234567;
    window_pt[20] = 0;
}

/* --- a root that leads to itself ----------------------------------------------------------------
 */

SEPARATE static void window_on_the_tables(void) {
    top_table[400] = physical(top_table) | WRITE;
    volatile uint64_t *tables = at(0xffff800000000000u | 400ull << 39 | 384ull << 30);
    tables[1] = physical(frames[9]) | WRITE; /* entry 1 of window_pt, by the window */
    flush(WINDOW + PAGE);
    use(1);
    spare_pt[1] = physical(frames[10]) | WRITE;
    window_pd[0] = physical(spare_pt) | WRITE;
    for (uint64_t i = 0; i < 8; i++)
        flush(WINDOW + i * PAGE);
    tables[1] = physical(frames[11]) | WRITE; /* stale: the window has still the old table */
}

SEPARATE static void window_on_the_tables_well(void) {
    top_table[400] = physical(top_table) | WRITE;
    volatile uint64_t *tables = at(0xffff800000000000u | 400ull << 39 | 384ull << 30);
    tables[1] = physical(frames[9]) | WRITE;
    flush(WINDOW + PAGE);
    spare_pt[1] = physical(frames[10]) | WRITE;
    window_pd[0] = physical(spare_pt) | WRITE;
    for (uint64_t i = 0; i < 8; i++)
        flush(WINDOW + i * PAGE);
    flush((uint64_t)tables);
    tables[1] = physical(frames[11]) | WRITE;
    flush(WINDOW + PAGE);
    use(1);
    top_table[400] = 0;
}

const struct trial trials[] = {
    {"unmap", unmap},
    {"unmap well", unmap_well},
    {"remap", remap},
    {"remap well", remap_well},
    {"remap and back", remap_and_back},
    {"protect", protect},
    {"protect, read well", protect_read_well},
    {"protect more well", protect_more_well},
    {"forbid execution", forbid_execution},
    {"forbid execution well", forbid_execution_well},
    {"wrong page", wrong_page},
    {"too early", too_early},
    {"one of two", one_of_two},
    {"half an entry", half_an_entry},
    {"through the other mapping", through_the_other_mapping},
    {"global by cr3", global_by_cr3},
    {"global by same cr4", global_by_same_cr4},
    {"global by cr4 well", global_by_cr4_well},
    {"cr3 well", cr3_well},
    {"global of another root", global_of_another_root},
    {"private of another root well", private_of_another_root_well},
    {"large", large},
    {"large well", large_well},
    {"gib", gib},
    {"gib well", gib_well},
    {"split and moved", split_and_moved},
    {"split well", split_well},
    {"split and unmapped", split_and_unmapped},
    {"other table", other_table},
    {"other table well", other_table_well},
    {"emptied table", emptied_table},
    {"emptied table well", emptied_table_well},
    {"table without leaves", table_without_leaves},
    {"cleared late", cleared_late},
    {"cleared late well", cleared_late_well},
    {"directory", directory},
    {"directory protected", directory_protected},
    {"directory protected well", directory_protected_well},
    {"root entry", root_entry},
    {"root entry well", root_entry_well},
    {"shared table", shared_table},
    {"reused table", reused_table},
    {"reused table well", reused_table_well},
    {"window on the tables", window_on_the_tables},
    {"window on the tables well", window_on_the_tables_well},
    {0, 0},
};
