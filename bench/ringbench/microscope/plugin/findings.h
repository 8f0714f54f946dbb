/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "plugin.h"

/*
 * Note what an instrument objects to at an access, or, of a call, with an address and the size 0.
 * The same kind at the same instruction is counted, and noted once. Returns what may be added to:
 * details and related events; NULL if it is known, or there is no room. Under the lock.
 */
struct finding *finding_note(uint64_t instrument, uint64_t kind, const struct access *access);
