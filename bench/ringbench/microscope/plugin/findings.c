/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings.h"

struct finding *finding_note(uint64_t instrument, uint64_t kind, const struct access *access) {
    for (uint64_t i = 0; i < shared->found; i++) {
        struct finding *known = &shared->findings[i];
        if (known->instrument == instrument && known->kind == kind &&
            known->event.pc == access->pc) {
            known->times++;
            return NULL;
        }
    }
    if (shared->found == FINDINGS) {
        shared->further++;
        return NULL;
    }
    struct finding *finding = &shared->findings[shared->found++];
    *finding = (struct finding){
        .instrument = instrument,
        .kind = kind,
        .times = 1,
        .event = event_now(access->cpu, access->pc),
        .place =
            {
                .address = access->address,
                .physical = access->size ? access_physical(access) : NOWHERE,
                .size = access->size,
                .is_store = access->is_store,
            },
    };
    return finding;
}
