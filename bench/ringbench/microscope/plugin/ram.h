/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Say which file is guest RAM, by a part of its name in /proc. Reading it is in plugin.h. */
void ram_named(const char *name);
