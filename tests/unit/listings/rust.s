	.file	"kernel.134d93dd8c9d4f00-cgu.0"
	.file	1 "/src/kernel.rs"
	.section	.text.kmain,"ax",@progbits
	.globl	kmain
	.p2align	4
	.type	kmain,@function
kmain:
.Lfunc_begin0:
	.cfi_startproc
	.loc	1 41 62 prologue_end
	movl	$6, %eax
	retq
.Ltmp0:
.Lfunc_end0:
	.size	kmain, .Lfunc_end0-kmain
	.cfi_endproc
	.type	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT,@object
	.section	.data.rel.ro._RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT,"awR",@progbits
	.globl	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT
	.p2align	3, 0x0
_RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT:
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE
	.size	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT, 8
	.type	COUNT,@object
	.section	.rodata.COUNT,"aR",@progbits
	.globl	COUNT
	.p2align	2, 0x0
COUNT:
	.asciz	"\005\000\000"
	.size	COUNT, 4
	.type	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE,@object
	.section	.rodata._RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE,"aR",@progbits
	.globl	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE
	.p2align	3, 0x0
_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE:
	.asciz	"M\000\000\000\000\000\000"
	.size	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE, 8
	.type	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE,@object
	.section	.rodata._RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE,"aR",@progbits
	.globl	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE
	.p2align	4, 0x0
_RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE:
	.asciz	"\005\000\000\000\000\000\000\000\000\000\000\000\020\000\000"
	.size	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE, 16
	.type	.Lanon.bd44270981877b17ad301e0a91f5e06b.0,@object
	.section	.rodata..Lanon.bd44270981877b17ad301e0a91f5e06b.0,"a",@progbits
.Lanon.bd44270981877b17ad301e0a91f5e06b.0:
	.ascii	"dma"
	.size	.Lanon.bd44270981877b17ad301e0a91f5e06b.0, 3
	.type	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE,@object
	.section	.data.rel.ro._RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE,"awR",@progbits
	.globl	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE
	.p2align	3, 0x0
_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE:
	.asciz	"\002\000\003"
	.zero	4
	.asciz	"\t\000\000\000\000\000\000\000\000"
	.zero	14
	.quad	.Lanon.bd44270981877b17ad301e0a91f5e06b.0
	.asciz	"\003\000\000\000\000\000\000\000\000@\000\000\000\000\000\000\000\000\000\000\000\000\000\000\007\000\000\000\000\000\000\000\b"
	.zero	6
	.byte	200
	.zero	7
	.size	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE, 88
	.type	_RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE,@object
	.section	.rodata._RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE,"aR",@progbits
	.globl	_RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE
	.p2align	3, 0x0
_RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE:
	.asciz	"N\000\000\000\000\000\000"
	.size	_RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE, 8
	.type	_RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS,@object
	.section	.rodata._RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS,"aR",@progbits
	.globl	_RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS
	.p2align	2, 0x0
_RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS:
	.asciz	"\003\000\000"
	.size	_RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS, 4
	.section	.debug_abbrev,"",@progbits
	.byte	1
	.byte	17
	.byte	1
	.byte	37
	.byte	14
	.byte	19
	.byte	5
	.byte	3
	.byte	14
	.byte	16
	.byte	23
	.byte	27
	.byte	14
	.byte	17
	.byte	1
	.byte	18
	.byte	6
	.byte	0
	.byte	0
	.byte	2
	.byte	57
	.byte	1
	.byte	3
	.byte	14
	.byte	0
	.byte	0
	.byte	3
	.byte	52
	.byte	0
	.byte	3
	.byte	14
	.byte	73
	.byte	19
	.byte	63
	.byte	25
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	2
	.byte	24
	.byte	0
	.byte	0
	.byte	4
	.byte	52
	.byte	0
	.byte	3
	.byte	14
	.byte	73
	.byte	19
	.byte	63
	.byte	25
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	2
	.byte	24
	.byte	110
	.byte	14
	.byte	0
	.byte	0
	.byte	5
	.byte	19
	.byte	1
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.byte	50
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	6
	.byte	13
	.byte	0
	.byte	3
	.byte	14
	.byte	73
	.byte	19
	.ascii	"\210\001"
	.byte	15
	.byte	56
	.byte	11
	.byte	50
	.byte	11
	.byte	0
	.byte	0
	.byte	7
	.byte	51
	.byte	1
	.byte	21
	.byte	19
	.byte	0
	.byte	0
	.byte	8
	.byte	13
	.byte	0
	.byte	73
	.byte	19
	.ascii	"\210\001"
	.byte	15
	.byte	56
	.byte	11
	.byte	52
	.byte	25
	.byte	0
	.byte	0
	.byte	9
	.byte	25
	.byte	1
	.byte	22
	.byte	11
	.byte	0
	.byte	0
	.byte	10
	.byte	13
	.byte	0
	.byte	3
	.byte	14
	.byte	73
	.byte	19
	.ascii	"\210\001"
	.byte	15
	.byte	56
	.byte	11
	.byte	0
	.byte	0
	.byte	11
	.byte	19
	.byte	0
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.byte	50
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	12
	.byte	4
	.byte	1
	.byte	73
	.byte	19
	.byte	109
	.byte	25
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	13
	.byte	40
	.byte	0
	.byte	3
	.byte	14
	.byte	28
	.byte	15
	.byte	0
	.byte	0
	.byte	14
	.byte	46
	.byte	0
	.byte	17
	.byte	1
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	3
	.byte	14
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	63
	.byte	25
	.byte	0
	.byte	0
	.byte	15
	.byte	36
	.byte	0
	.byte	3
	.byte	14
	.byte	62
	.byte	11
	.byte	11
	.byte	11
	.byte	0
	.byte	0
	.byte	16
	.byte	25
	.byte	1
	.byte	0
	.byte	0
	.byte	17
	.byte	47
	.byte	0
	.byte	73
	.byte	19
	.byte	3
	.byte	14
	.byte	0
	.byte	0
	.byte	18
	.byte	15
	.byte	0
	.byte	73
	.byte	19
	.byte	3
	.byte	14
	.byte	51
	.byte	6
	.byte	0
	.byte	0
	.byte	19
	.byte	19
	.byte	1
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	20
	.byte	15
	.byte	0
	.byte	73
	.byte	19
	.byte	51
	.byte	6
	.byte	0
	.byte	0
	.byte	0
	.section	.debug_info,"",@progbits
.Lcu_begin0:
	.long	.Ldebug_info_end0-.Ldebug_info_start0
.Ldebug_info_start0:
	.short	4
	.long	.debug_abbrev
	.byte	8
	.byte	1
	.long	.Linfo_string0
	.short	28
	.long	.Linfo_string1
	.long	.Lline_table_start0
	.long	.Linfo_string2
	.quad	.Lfunc_begin0
	.long	.Lfunc_end0-.Lfunc_begin0
	.byte	2
	.long	.Linfo_string3
	.byte	3
	.long	.Linfo_string4
	.long	513
	.byte	1
	.byte	39
	.byte	4
	.byte	9
	.byte	3
	.quad	COUNT
	.byte	2
	.long	.Linfo_string6
	.byte	4
	.long	.Linfo_string7
	.long	520
	.byte	1
	.byte	26
	.byte	8
	.byte	9
	.byte	3
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE
	.long	.Linfo_string9
	.byte	4
	.long	.Linfo_string10
	.long	537
	.byte	1
	.byte	22
	.byte	8
	.byte	9
	.byte	3
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT
	.long	.Linfo_string44
	.byte	5
	.long	.Linfo_string39
	.byte	88
	.byte	1
	.byte	8
	.byte	6
	.long	.Linfo_string14
	.long	520
	.byte	8
	.byte	48
	.byte	1
	.byte	6
	.long	.Linfo_string15
	.long	649
	.byte	8
	.byte	32
	.byte	1
	.byte	6
	.long	.Linfo_string21
	.long	219
	.byte	8
	.byte	0
	.byte	1
	.byte	6
	.long	.Linfo_string30
	.long	219
	.byte	8
	.byte	16
	.byte	1
	.byte	6
	.long	.Linfo_string31
	.long	345
	.byte	1
	.byte	80
	.byte	1
	.byte	6
	.long	.Linfo_string35
	.long	537
	.byte	8
	.byte	56
	.byte	1
	.byte	6
	.long	.Linfo_string36
	.long	709
	.byte	8
	.byte	64
	.byte	1
	.byte	0
	.byte	5
	.long	.Linfo_string29
	.byte	16
	.byte	1
	.byte	8
	.byte	7
	.long	232
	.byte	8
	.long	702
	.byte	2
	.byte	0
	.byte	9
	.byte	0
	.byte	10
	.long	.Linfo_string23
	.long	282
	.byte	8
	.byte	0
	.byte	0
	.byte	9
	.byte	1
	.byte	10
	.long	.Linfo_string24
	.long	290
	.byte	8
	.byte	0
	.byte	0
	.byte	9
	.byte	2
	.byte	10
	.long	.Linfo_string26
	.long	311
	.byte	8
	.byte	0
	.byte	0
	.byte	0
	.byte	11
	.long	.Linfo_string23
	.byte	16
	.byte	1
	.byte	8
	.byte	5
	.long	.Linfo_string24
	.byte	16
	.byte	1
	.byte	8
	.byte	6
	.long	.Linfo_string25
	.long	513
	.byte	4
	.byte	4
	.byte	1
	.byte	0
	.byte	5
	.long	.Linfo_string26
	.byte	16
	.byte	1
	.byte	8
	.byte	6
	.long	.Linfo_string27
	.long	520
	.byte	8
	.byte	8
	.byte	1
	.byte	6
	.long	.Linfo_string28
	.long	702
	.byte	2
	.byte	2
	.byte	1
	.byte	0
	.byte	0
	.byte	12
	.long	688
	.long	.Linfo_string34
	.byte	1
	.byte	1
	.byte	13
	.long	.Linfo_string32
	.byte	1
	.byte	13
	.long	.Linfo_string33
	.ascii	"\310\001"
	.byte	0
	.byte	4
	.long	.Linfo_string45
	.long	739
	.byte	1
	.byte	24
	.byte	16
	.byte	9
	.byte	3
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE
	.long	.Linfo_string47
	.byte	4
	.long	.Linfo_string48
	.long	126
	.byte	1
	.byte	17
	.byte	8
	.byte	9
	.byte	3
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE
	.long	.Linfo_string49
	.byte	2
	.long	.Linfo_string52
	.byte	4
	.long	.Linfo_string53
	.long	513
	.byte	1
	.byte	29
	.byte	4
	.byte	9
	.byte	3
	.quad	_RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS
	.long	.Linfo_string54
	.byte	0
	.byte	0
	.byte	2
	.long	.Linfo_string50
	.byte	4
	.long	.Linfo_string7
	.long	520
	.byte	1
	.byte	35
	.byte	8
	.byte	9
	.byte	3
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE
	.long	.Linfo_string51
	.byte	0
	.byte	14
	.quad	.Lfunc_begin0
	.long	.Lfunc_end0-.Lfunc_begin0
	.byte	1
	.byte	87
	.long	.Linfo_string55
	.byte	1
	.byte	41
	.long	520
	.byte	0
	.byte	15
	.long	.Linfo_string5
	.byte	7
	.byte	4
	.byte	15
	.long	.Linfo_string8
	.byte	7
	.byte	8
	.byte	2
	.long	.Linfo_string11
	.byte	2
	.long	.Linfo_string12
	.byte	5
	.long	.Linfo_string43
	.byte	8
	.byte	1
	.byte	8
	.byte	7
	.long	550
	.byte	8
	.long	520
	.byte	8
	.byte	0
	.byte	9
	.byte	0
	.byte	10
	.long	.Linfo_string13
	.long	585
	.byte	8
	.byte	0
	.byte	0
	.byte	16
	.byte	10
	.long	.Linfo_string42
	.long	603
	.byte	8
	.byte	0
	.byte	0
	.byte	0
	.byte	5
	.long	.Linfo_string13
	.byte	8
	.byte	1
	.byte	8
	.byte	17
	.long	636
	.long	.Linfo_string41
	.byte	0
	.byte	5
	.long	.Linfo_string42
	.byte	8
	.byte	1
	.byte	8
	.byte	17
	.long	636
	.long	.Linfo_string41
	.byte	6
	.long	.Linfo_string25
	.long	636
	.byte	8
	.byte	0
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	0
	.byte	18
	.long	126
	.long	.Linfo_string40
	.long	0
	.byte	19
	.long	.Linfo_string20
	.byte	16
	.byte	8
	.byte	10
	.long	.Linfo_string16
	.long	679
	.byte	8
	.byte	0
	.byte	10
	.long	.Linfo_string18
	.long	695
	.byte	8
	.byte	8
	.byte	0
	.byte	20
	.long	688
	.long	0
	.byte	15
	.long	.Linfo_string17
	.byte	7
	.byte	1
	.byte	15
	.long	.Linfo_string19
	.byte	7
	.byte	8
	.byte	15
	.long	.Linfo_string22
	.byte	7
	.byte	2
	.byte	19
	.long	.Linfo_string38
	.byte	16
	.byte	8
	.byte	10
	.long	.Linfo_string25
	.long	520
	.byte	8
	.byte	0
	.byte	10
	.long	.Linfo_string37
	.long	702
	.byte	2
	.byte	8
	.byte	0
	.byte	15
	.long	.Linfo_string46
	.byte	7
	.byte	16
	.byte	0
.Ldebug_info_end0:
	.section	.rodata.COUNT,"aR",@progbits
.Lsec_end0:
	.section	.rodata._RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE,"aR",@progbits
.Lsec_end1:
	.section	.data.rel.ro._RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT,"awR",@progbits
.Lsec_end2:
	.section	.rodata._RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE,"aR",@progbits
.Lsec_end3:
	.section	.data.rel.ro._RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE,"awR",@progbits
.Lsec_end4:
	.section	.rodata._RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE,"aR",@progbits
.Lsec_end5:
	.section	.rodata._RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS,"aR",@progbits
.Lsec_end6:
	.section	.text.kmain,"ax",@progbits
.Lsec_end7:
	.section	.debug_aranges,"",@progbits
	.long	156
	.short	2
	.long	.Lcu_begin0
	.byte	8
	.byte	0
	.zero	4,255
	.quad	COUNT
	.quad	.Lsec_end0-COUNT
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE
	.quad	.Lsec_end1-_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT
	.quad	.Lsec_end2-_RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE
	.quad	.Lsec_end3-_RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE
	.quad	.Lsec_end4-_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE
	.quad	_RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE
	.quad	.Lsec_end5-_RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE
	.quad	_RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS
	.quad	.Lsec_end6-_RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS
	.quad	.Lfunc_begin0
	.quad	.Lsec_end7-.Lfunc_begin0
	.quad	0
	.quad	0
	.section	.debug_str,"MS",@progbits,1
.Linfo_string0:
	.asciz	"clang LLVM (rustc version 1.95.0 (59807616e 2026-04-14))"
.Linfo_string1:
	.asciz	"kernel.rs/@/kernel.134d93dd8c9d4f00-cgu.0"
.Linfo_string2:
	.asciz	"/src"
.Linfo_string3:
	.asciz	"kernel"
.Linfo_string4:
	.asciz	"COUNT"
.Linfo_string5:
	.asciz	"u32"
.Linfo_string6:
	.asciz	"pmm"
.Linfo_string7:
	.asciz	"FREE"
.Linfo_string8:
	.asciz	"u64"
.Linfo_string9:
	.asciz	"_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE"
.Linfo_string10:
	.asciz	"NEXT"
.Linfo_string11:
	.asciz	"core"
.Linfo_string12:
	.asciz	"option"
.Linfo_string13:
	.asciz	"None"
.Linfo_string14:
	.asciz	"base"
.Linfo_string15:
	.asciz	"name"
.Linfo_string16:
	.asciz	"data_ptr"
.Linfo_string17:
	.asciz	"u8"
.Linfo_string18:
	.asciz	"length"
.Linfo_string19:
	.asciz	"usize"
.Linfo_string20:
	.asciz	"&str"
.Linfo_string21:
	.asciz	"state"
.Linfo_string22:
	.asciz	"u16"
.Linfo_string23:
	.asciz	"Free"
.Linfo_string24:
	.asciz	"Used"
.Linfo_string25:
	.asciz	"__0"
.Linfo_string26:
	.asciz	"Mapped"
.Linfo_string27:
	.asciz	"va"
.Linfo_string28:
	.asciz	"pages"
.Linfo_string29:
	.asciz	"State"
.Linfo_string30:
	.asciz	"free"
.Linfo_string31:
	.asciz	"kind"
.Linfo_string32:
	.asciz	"Dma"
.Linfo_string33:
	.asciz	"Normal"
.Linfo_string34:
	.asciz	"Kind"
.Linfo_string35:
	.asciz	"next"
.Linfo_string36:
	.asciz	"bounds"
.Linfo_string37:
	.asciz	"__1"
.Linfo_string38:
	.asciz	"(u64, u16)"
.Linfo_string39:
	.asciz	"Zone"
.Linfo_string40:
	.asciz	"&kernel::pmm::Zone"
.Linfo_string41:
	.asciz	"T"
.Linfo_string42:
	.asciz	"Some"
.Linfo_string43:
	.asciz	"Option<&kernel::pmm::Zone>"
.Linfo_string44:
	.asciz	"_RNvNtCs1EKtwoKEMO2_6kernel3pmm4NEXT"
.Linfo_string45:
	.asciz	"WIDE"
.Linfo_string46:
	.asciz	"u128"
.Linfo_string47:
	.asciz	"_RNvNtCs1EKtwoKEMO2_6kernel3pmm4WIDE"
.Linfo_string48:
	.asciz	"ZONE"
.Linfo_string49:
	.asciz	"_RNvNtCs1EKtwoKEMO2_6kernel3pmm4ZONE"
.Linfo_string50:
	.asciz	"heap"
.Linfo_string51:
	.asciz	"_RNvNtCs1EKtwoKEMO2_6kernel4heap4FREE"
.Linfo_string52:
	.asciz	"alloc"
.Linfo_string53:
	.asciz	"CALLS"
.Linfo_string54:
	.asciz	"_RNvNvNtCs1EKtwoKEMO2_6kernel3pmm5alloc5CALLS"
.Linfo_string55:
	.asciz	"kmain"
	.ident	"rustc version 1.95.0 (59807616e 2026-04-14)"
	.section	".note.GNU-stack","",@progbits
	.section	.debug_line,"",@progbits
.Lline_table_start0:
