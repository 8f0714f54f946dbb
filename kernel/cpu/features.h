/* What this CPU can do, asked once with CPUID. */
#pragma once

#include "base/types.h"

struct cpu_features {
    uint32_t physical_bits; /* CPUID 80000008h EAX[7:0] */
    bool gib_pages;         /* CPUID 80000001h EDX[26] */
    bool smep, smap, umip;  /* CPUID 7 EBX[7], EBX[20], ECX[2] */
    bool no_execute;        /* CPUID 80000001h EDX[20]; boot fails by name without it */
};

extern struct cpu_features cpu_features;

void cpu_features_init(void);
