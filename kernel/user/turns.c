/* Takes `number` turns: writes one line in each, which must be as it left it, and yields. */
#include "user/user.h"

#define WORDS 64

static uint64_t kept[WORDS]; /* zero in the file, so it must be zero here */

uint64_t program_main(uint64_t number, uint64_t task) {
    char line[] = "turn 0 of t0\n";
    line[sizeof line - 3] = (char)('0' + task % 10);
    for (uint64_t turn = 0; turn < number; turn++) {
        for (unsigned i = 0; i < WORDS; i++) {
            if (kept[i] != turn * task) {
                return 1;
            }
            kept[i] += task;
        }
        line[5] = (char)('0' + turn % 10);
        if (call_write(line, sizeof line - 1) != STATUS_OK || call_yield() != STATUS_OK) {
            return 2;
        }
    }
    return call_task() == (int64_t)task ? 0 : 3;
}
