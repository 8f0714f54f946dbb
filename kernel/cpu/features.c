#include "base/x86.h"
#include "cpu/features.h"
#include "cpu/instructions.h"

#define PHYSICAL_BITS_DEFAULT 36 /* of a CPU that does not say (SDM 3A 4.1.4) */
#define PHYSICAL_BITS_MIN     32
#define PHYSICAL_BITS_MAX     52

struct cpu_features cpu_features;

static uint32_t physical_bits(uint32_t highest_leaf) {
    if (highest_leaf < CPUID_ADDRESS_SIZES) {
        return PHYSICAL_BITS_DEFAULT;
    }
    uint32_t bits = cpuid(CPUID_ADDRESS_SIZES).eax & 0xff;
    return (uint32_t)max_u64(PHYSICAL_BITS_MIN, min_u64(bits, PHYSICAL_BITS_MAX));
}

void cpu_features_init(void) {
    uint32_t highest_leaf = cpuid(CPUID_EXTENDED_MAX).eax;
    uint32_t edx = cpuid(CPUID_EXTENDED).edx; /* entry.S saw that it exists */
    struct cpuid more = cpuid(0).eax >= CPUID_FEATURES ? cpuid(CPUID_FEATURES) : (struct cpuid){0};
    cpu_features = (struct cpu_features){
        .physical_bits = physical_bits(highest_leaf),
        .gib_pages = edx & CPUID_EDX_GIB_PAGES,
        .no_execute = edx & CPUID_EDX_NX,
        .smep = more.ebx & CPUID_EBX_SMEP,
        .smap = more.ebx & CPUID_EBX_SMAP,
        .umip = more.ecx & CPUID_ECX_UMIP,
    };
}
