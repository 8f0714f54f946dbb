/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An instrument: what it is called for. Whatever it does not want is NULL. It keeps what it learns
 * of the guest in the arena, and reports by finding_note.
 */
#pragma once

#include "functions.h"
#include "plugin.h"

struct instrument {
    uint64_t bits; /* it is on if one of these is set in `shared->instruments` */

    /* Code is being translated: the instrument registers callbacks of its own. */
    void (*translated)(struct qemu_plugin_tb *block);

    /* An instruction has made an access. */
    void (*accessed)(const struct access *access);

    /* A CALL has pushed its return address at `slot`; a RET has popped one from there. */
    void (*called)(const struct access *access);
    void (*returned)(const struct access *access);

    /* An instruction is about to drop translations of addresses, or may: INVLPG, MOV to CR3. */
    void (*flushed)(unsigned int cpu, uint64_t pc);

    /* A function of `shared->functions` that is the instrument's was entered, or has returned;
       of calls within such calls, the outermost. */
    void (*entered)(struct visit *visit);
    void (*left)(struct visit *visit, uint64_t result);
};

extern const struct instrument writes_instrument;
extern const struct instrument heap_instrument;
extern const struct instrument frames_instrument;
extern const struct instrument stacks_instrument;
#if INTERFACE >= 3
extern const struct instrument translations_instrument;
#endif
