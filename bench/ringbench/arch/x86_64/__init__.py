"""x86_64 memory management as the manuals state it, in pure functions.

Nothing here knows of a kernel or of the rest of the bench; of QEMU, `qemu_departures` alone. It is
written from the Intel Software Developer's Manual, volume 3A ("Intel SDM 3A", section numbers of
order number 253668-080), and not from any kernel's headers, so that it can serve as the independent
second opinion.

Scope: 4-level paging in 64-bit mode. Left out, because no guest here turns them on: 5-level paging,
protection keys, shadow stacks, linear-address masking, HLAT.
"""
