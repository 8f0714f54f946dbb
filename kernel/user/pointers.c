/* Bad pointers in every system call that takes one: each is refused, and the program goes on. The
 * exit code is 0, or the number of the first that was not. `number` is one more address, where the
 * tests put what is not the program's. */
#include "base/layout.h"
#include "user/user.h"

#define PAGE      KIB(4)
#define ANONYMOUS 0 /* of enum vm_kind */

static const uint64_t bad[] = {
    0,
    1,
    PAGE,
    TASK_WINDOW_END,
    TASK_WINDOW_END - 1 - KIB(64), /* the guard page */
    1ULL << 47,                    /* not canonical */
    KERNEL_HALF - PAGE,
    DIRECT_MAP_BASE,
    HEAP_BASE,
    KERNEL_WINDOW_BASE,
    IMAGE_BASE + MIB(1),
    ~0ULL,
    ~0ULL - PAGE + 1,
};
#define COUNT (sizeof bad / sizeof bad[0])

/* Whether each call refuses the address. */
static bool are_refused(uint64_t address) {
    return call_write((const void *)address, 8) < 0 &&
           call_map_at(address, PAGE, ANONYMOUS, RIGHT_WRITE) < 0 && call_unmap(address) < 0 &&
           call_protect(address, 0) < 0 && call_resize(address, 2 * PAGE) < 0;
}

uint64_t program_main(uint64_t number, uint64_t task) {
    (void)task;
    for (uint64_t i = 0; i < COUNT; i++) {
        if (!are_refused(bad[i])) {
            return i + 1;
        }
    }
    /* ranges whose beginning is good and whose end is not */
    uint64_t last = TASK_WINDOW_END - 8;
    if (call_write((const void *)last, 16) != STATUS_NOT_MAPPED ||
        call_write((const void *)last, ~0ULL) != STATUS_OUT_OF_RANGE ||
        call_write((const void *)last, 0) != STATUS_INVALID) {
        return COUNT + 1;
    }
    return are_refused(number) ? 0 : COUNT + 2;
}
