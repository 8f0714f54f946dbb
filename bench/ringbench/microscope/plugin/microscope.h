/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "instrument.h"

/* The instrument of a bit; NULL if there is none. */
const struct instrument *instrument_of(uint64_t bit);
