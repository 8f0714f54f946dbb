"""x86_64 memory management as the manuals state it, in pure functions.

Nothing here knows of a kernel or of the rest of the bench; of QEMU, `qemu_departures` alone. It is
written from the Intel Software Developer's Manual, volume 3A ("Intel SDM 3A", section numbers of
order number 253668-080), and not from any kernel's headers, so that it can serve as the independent
second opinion.

Scope: 4-level and 5-level paging in 64-bit mode. What an access may do is stated of many at once
(`outcome_bulk`) and of QEMU (`qemu_departures`) for 4 levels alone. Left out, because no guest here
turns them on: protection keys, shadow stacks, linear-address masking, HLAT.
"""
