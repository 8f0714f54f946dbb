/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where something was called from, kept once however often that was: as a number, 0 for unknown.
 */
#pragma once

#include "plugin.h"

#include <stdint.h>

/* Keep the place `pc` of a processor and its callers. */
uint32_t trace_keep(unsigned int cpu, uint64_t pc);

/* What was kept, as a finding has it; without processor and instruction. */
struct event trace_event(uint32_t trace);
