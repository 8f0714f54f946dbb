# What Zig 0.17 writes of the following, in both of its ways; shortened by hand.
#
#     pub const Entry = packed struct(u64) { present: bool, frame: u40 };   // 12 bits in between
#     pub const State = union(enum) { free: void, used: u32 };
#     pub const pmm = struct { pub var free: u64 = 42; pub var entry: Entry = ...; };
#     var free: u64 = 77;
#     pub const Zone = struct { base: u64 };                                // by LLVM
#     pub const heap = struct { pub var zone: Zone = .{ .base = 5 }; };

    .data
own_free:   .quad 77
pmm_free:   .quad 42
pmm_entry:  .quad 1 | 0x1234 << 12
state:      .long 9
            .byte 1, 0, 0, 0
zone:       .quad 5
    .globl _start
_start:

    .macro name text
    .asciz "\text"
    .endm

    .macro declare code, tag, children, attributes:vararg
    .uleb128 \code, \tag
    .byte \children
    .uleb128 \attributes
    .byte 0, 0
    .endm

    .section .debug_abbrev
own_abbreviations:                      # Zig's own: a module, and 0x2ccd says what something is in
    declare 1, 0x11, 1, 0x13, 0x0b, 0x03, 0x08                          # unit: language, name
    declare 2, 0x1e, 1, 0x03, 0x08                                      # module: name
    declare 3, 0x13, 0, 0x03, 0x08                                      # struct of a file: name
    declare 4, 0x13, 0, 0x2ccd, 0x10, 0x03, 0x08, 0x3c, 0x19            # struct: parent, declared
    declare 5, 0x34, 0, 0x2ccd, 0x10, 0x03, 0x08, 0x49, 0x10, 0x02, 0x18, 0x3f, 0x0c
    declare 6, 0x24, 0, 0x03, 0x08, 0x3e, 0x0b, 0x0d, 0x0b, 0x0b, 0x0b  # base type
    declare 7, 0x13, 1, 0x2ccd, 0x10, 0x03, 0x08, 0x49, 0x10            # packed struct: integer
    declare 8, 0x0d, 0, 0x03, 0x08, 0x49, 0x10, 0x6b, 0x0f              # its member: at which bit
    declare 9, 0x17, 1, 0x2ccd, 0x10, 0x03, 0x08, 0x0b, 0x0f            # union: parent, size
    declare 10, 0x33, 1, 0x15, 0x10                                     # variant part
    declare 11, 0x19, 1, 0x16, 0x16                                     # variant: any form
    declare 12, 0x0d, 0, 0x03, 0x08, 0x49, 0x10, 0x38, 0x0f             # member
    declare 13, 0x3b, 0, 0x03, 0x08                                     # type without values
    declare 14, 0x04, 0, 0x03, 0x08, 0x49, 0x10                         # enum: integer, no size
    .byte 0
llvm_abbreviations:                     # by LLVM: names with dots in them, and the language is C
    declare 1, 0x11, 1, 0x25, 0x08, 0x13, 0x0b, 0x03, 0x08              # unit: producer as well
    declare 2, 0x34, 0, 0x03, 0x08, 0x49, 0x13, 0x02, 0x18, 0x6e, 0x08  # variable: for the linker
    declare 3, 0x13, 1, 0x03, 0x08, 0x0b, 0x0b                          # struct
    declare 4, 0x0d, 0, 0x03, 0x0e, 0x49, 0x13, 0x38, 0x0b              # member
    declare 5, 0x24, 0, 0x03, 0x08, 0x3e, 0x0b, 0x0b, 0x0b              # base type
    .byte 0

    .section .debug_str, "MS", @progbits, 1
base_name: name "base"

    .macro at place
    .byte 9, 3
    .quad \place
    .endm

    .section .debug_info
sections:
    .long own_end - own
own:
    .short 5
    .byte 1, 8
    .long own_abbreviations
    .uleb128 1; .byte 0x27; name "kernel"
    .uleb128 2; name "kernel"
file:
    .uleb128 3; name "kernel"
bool:
    .uleb128 6; name "bool"; .byte 2, 1, 1
u1:
    .uleb128 6; name "u1"; .byte 7, 1, 1
tag_type:
    .uleb128 14; name "Tag"; .long u1 - sections
u32:
    .uleb128 6; name "u32"; .byte 7, 32, 4
u40:
    .uleb128 6; name "u40"; .byte 7, 40, 8
u64:
    .uleb128 6; name "u64"; .byte 7, 64, 8
void:
    .uleb128 13; name "void"
pmm:
    .uleb128 4; .long file - sections; name "pmm"
    .uleb128 5; .long file - sections; name "free"; .long u64 - sections; at own_free; .byte 0
    .uleb128 5; .long pmm - sections; name "free"; .long u64 - sections; at pmm_free; .byte 0
    .uleb128 5; .long pmm - sections; name "entry"; .long entry - sections; at pmm_entry; .byte 0
    .uleb128 5; .long file - sections; name "state"; .long union - sections; at state; .byte 0
entry:
    .uleb128 7; .long file - sections; name "Entry"; .long u64 - sections
    .uleb128 8; name "present"; .long bool - sections; .uleb128 0
    .uleb128 8; name "frame"; .long u40 - sections; .uleb128 12
    .byte 0
union:
    .uleb128 9; .long file - sections; name "State"; .uleb128 8
    .uleb128 10; .long tag - sections
tag:
    .uleb128 12; name "tag"; .long tag_type - sections; .uleb128 4
    .uleb128 11; .uleb128 0x0f, 0                                       # udata 0
    .uleb128 12; name "free"; .long void - sections; .uleb128 0
    .byte 0
    .uleb128 11; .uleb128 0x0f, 1                                       # udata 1
    .uleb128 12; name "used"; .long u32 - sections; .uleb128 0
    .byte 0, 0, 0
    .byte 0, 0
own_end:

llvm:
    .long llvm_end - llvm - 4
    .short 4
    .long llvm_abbreviations
    .byte 8
    .uleb128 1; name "zig 0.17.1"; .byte 0x0c; name "kernel"
    .uleb128 2; name "zone"; .long zone_type - llvm; at zone; name "kernel.heap.zone"
zone_type:
    .uleb128 3; name "kernel.Zone"; .byte 8
    .uleb128 4; .long base_name; .long llvm_u64 - llvm; .byte 0
    .byte 0
llvm_u64:
    .uleb128 5; name "u64"; .byte 7, 8
    .byte 0
llvm_end:
