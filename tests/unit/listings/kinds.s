	.file	"kinds.c347cea8e86609b4-cgu.0"
	.file	0 "/src" "kinds.rs/@/kinds.c347cea8e86609b4-cgu.0"
	.file	1 "kinds.rs" md5 0x4cbed62905809c392f4f1171ec25a8cc
	.section	.text.kmain,"ax",@progbits
	.globl	kmain
	.type	kmain,@function
kmain:
.Lfunc_begin0:
	movl	$1, %eax
	retq
.Ltmp0:
.Lfunc_end0:
	.size	kmain, .Lfunc_end0-kmain

	.type	_ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E,@object
	.section	.rodata._ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E,"aR",@progbits
	.globl	_ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E
_ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E:
	.asciz	"\001\000\000\000\000\000\000\000\002\000\000\000\000\000\000\000\003\000\000\000\000\000\000"
	.size	_ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E, 24

	.type	_ZN5kinds3RAW17heabc76dab95b691fE,@object
	.section	.rodata._ZN5kinds3RAW17heabc76dab95b691fE,"aR",@progbits
	.globl	_ZN5kinds3RAW17heabc76dab95b691fE
_ZN5kinds3RAW17heabc76dab95b691fE:
	.ascii	"\004\003\002\001"
	.size	_ZN5kinds3RAW17heabc76dab95b691fE, 4

	.type	_ZN5kinds4DEEP17h4f3c9e135c7d4c14E,@object
	.section	.rodata._ZN5kinds4DEEP17h4f3c9e135c7d4c14E,"aR",@progbits
	.globl	_ZN5kinds4DEEP17h4f3c9e135c7d4c14E
_ZN5kinds4DEEP17h4f3c9e135c7d4c14E:
	.zero	2,1
	.zero	14
	.size	_ZN5kinds4DEEP17h4f3c9e135c7d4c14E, 16

	.type	_ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E,@object
	.section	.rodata._ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E,"aR",@progbits
	.globl	_ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E
_ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E:
	.byte	3
	.zero	15
	.size	_ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E, 16

	.type	_ZN5kinds4LOCK17h9f2e923f4a161eefE,@object
	.section	.data._ZN5kinds4LOCK17h9f2e923f4a161eefE,"awR",@progbits
	.globl	_ZN5kinds4LOCK17h9f2e923f4a161eefE
_ZN5kinds4LOCK17h9f2e923f4a161eefE:
	.ascii	"\b\000\000\000\001"
	.zero	3
	.size	_ZN5kinds4LOCK17h9f2e923f4a161eefE, 8

	.type	_ZN5kinds4NONE17h45d1f1d85e9f3c96E,@object
	.section	.rodata._ZN5kinds4NONE17h45d1f1d85e9f3c96E,"aR",@progbits
	.globl	_ZN5kinds4NONE17h45d1f1d85e9f3c96E
_ZN5kinds4NONE17h45d1f1d85e9f3c96E:
	.zero	4
	.size	_ZN5kinds4NONE17h45d1f1d85e9f3c96E, 4

	.type	_ZN5kinds4PLUS17h55c8faad14e8201eE,@object
	.section	.rodata._ZN5kinds4PLUS17h55c8faad14e8201eE,"aR",@progbits
	.globl	_ZN5kinds4PLUS17h55c8faad14e8201eE
_ZN5kinds4PLUS17h55c8faad14e8201eE:
	.asciz	"\003"
	.zero	2
	.asciz	"\t\000\000"
	.size	_ZN5kinds4PLUS17h55c8faad14e8201eE, 8

	.type	_ZN5kinds5MINUS17ha93560a5583f2a34E,@object
	.section	.rodata._ZN5kinds5MINUS17ha93560a5583f2a34E,"aR",@progbits
	.globl	_ZN5kinds5MINUS17ha93560a5583f2a34E
_ZN5kinds5MINUS17ha93560a5583f2a34E:
	.ascii	"\376\377\003"
	.zero	5
	.size	_ZN5kinds5MINUS17ha93560a5583f2a34E, 8

	.type	_ZN5kinds6FAILED17h341b4d2357543d19E,@object
	.section	.rodata._ZN5kinds6FAILED17h341b4d2357543d19E,"aR",@progbits
	.globl	_ZN5kinds6FAILED17h341b4d2357543d19E
_ZN5kinds6FAILED17h341b4d2357543d19E:
	.ascii	"\001\003"
	.zero	6
	.size	_ZN5kinds6FAILED17h341b4d2357543d19E, 8

	.type	_ZN5kinds6LETTER17h75d790f79d58b2f5E,@object
	.section	.rodata._ZN5kinds6LETTER17h75d790f79d58b2f5E,"aR",@progbits
	.globl	_ZN5kinds6LETTER17h75d790f79d58b2f5E
_ZN5kinds6LETTER17h75d790f79d58b2f5E:
	.asciz	"\254 \000"
	.size	_ZN5kinds6LETTER17h75d790f79d58b2f5E, 4

	.type	_ZN5kinds6NESTED17h196bfe788ee7506fE,@object
	.section	.rodata._ZN5kinds6NESTED17h196bfe788ee7506fE,"aR",@progbits
	.globl	_ZN5kinds6NESTED17h196bfe788ee7506fE
_ZN5kinds6NESTED17h196bfe788ee7506fE:
	.byte	2
	.size	_ZN5kinds6NESTED17h196bfe788ee7506fE, 1

	.type	_ZN5kinds7NONZERO17hd69bc32ca35a62b3E,@object
	.section	.rodata._ZN5kinds7NONZERO17hd69bc32ca35a62b3E,"aR",@progbits
	.globl	_ZN5kinds7NONZERO17hd69bc32ca35a62b3E
_ZN5kinds7NONZERO17hd69bc32ca35a62b3E:
	.asciz	"\005\000\000"
	.size	_ZN5kinds7NONZERO17hd69bc32ca35a62b3E, 4

	.section	.debug_abbrev,"",@progbits
	.byte	1
	.byte	17
	.byte	1
	.byte	37
	.byte	37
	.byte	19
	.byte	5
	.byte	3
	.byte	37
	.byte	114
	.byte	23
	.byte	16
	.byte	23
	.byte	27
	.byte	37
	.byte	17
	.byte	27
	.byte	18
	.byte	6
	.byte	115
	.byte	23
	.byte	0
	.byte	0
	.byte	2
	.byte	57
	.byte	1
	.byte	3
	.byte	37
	.byte	0
	.byte	0
	.byte	3
	.byte	52
	.byte	0
	.byte	3
	.byte	37
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
	.byte	37
	.byte	0
	.byte	0
	.byte	4
	.byte	19
	.byte	1
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	50
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	5
	.byte	13
	.byte	0
	.byte	3
	.byte	37
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
	.byte	6
	.byte	23
	.byte	1
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	7
	.byte	13
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.ascii	"\210\001"
	.byte	15
	.byte	56
	.byte	11
	.byte	0
	.byte	0
	.byte	8
	.byte	51
	.byte	1
	.byte	21
	.byte	19
	.byte	0
	.byte	0
	.byte	9
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
	.byte	10
	.byte	25
	.byte	1
	.byte	0
	.byte	0
	.byte	11
	.byte	25
	.byte	1
	.byte	22
	.byte	11
	.byte	0
	.byte	0
	.byte	12
	.byte	19
	.byte	0
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	50
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	13
	.byte	47
	.byte	0
	.byte	73
	.byte	19
	.byte	3
	.byte	37
	.byte	0
	.byte	0
	.byte	14
	.byte	46
	.byte	0
	.byte	17
	.byte	27
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	3
	.byte	37
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
	.byte	1
	.byte	1
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	16
	.byte	33
	.byte	0
	.byte	73
	.byte	19
	.byte	55
	.byte	11
	.byte	0
	.byte	0
	.byte	17
	.byte	36
	.byte	0
	.byte	3
	.byte	37
	.byte	62
	.byte	11
	.byte	11
	.byte	11
	.byte	0
	.byte	0
	.byte	18
	.byte	36
	.byte	0
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	62
	.byte	11
	.byte	0
	.byte	0
	.byte	0
	.section	.debug_info,"",@progbits
.Lcu_begin0:
	.long	.Ldebug_info_end0-.Ldebug_info_start0
.Ldebug_info_start0:
	.short	5
	.byte	1
	.byte	8
	.long	.debug_abbrev
	.byte	1
	.byte	0
	.short	28
	.byte	1
	.long	.Lstr_offsets_base0
	.long	.Lline_table_start0
	.byte	2
	.byte	12
	.long	.Lfunc_end0-.Lfunc_begin0
	.long	.Laddr_table_base0
	.byte	2
	.byte	3
	.byte	2
	.byte	4
	.byte	2
	.byte	5
	.byte	3
	.byte	6
	.long	54

	.byte	1
	.byte	16
	.byte	8
	.byte	2
	.byte	161
	.byte	0
	.byte	11
	.byte	4
	.byte	10
	.byte	24
	.byte	1
	.byte	8
	.byte	5
	.byte	7
	.long	499
	.byte	8
	.byte	0
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	3
	.byte	12
	.long	84

	.byte	1
	.byte	40
	.byte	4
	.byte	2
	.byte	161
	.byte	1
	.byte	18
	.byte	6
	.byte	17
	.byte	4
	.byte	4
	.byte	7
	.byte	13
	.long	519
	.byte	4
	.byte	0
	.byte	7
	.byte	15
	.long	523
	.byte	1
	.byte	0
	.byte	0
	.byte	3
	.byte	19
	.long	118

	.byte	1
	.byte	24
	.byte	8
	.byte	2
	.byte	161
	.byte	2
	.byte	29
	.byte	4
	.byte	28
	.byte	16
	.byte	1
	.byte	8
	.byte	8
	.long	128
	.byte	9
	.long	535
	.byte	1
	.byte	0

	.byte	10
	.byte	7
	.byte	20
	.long	168
	.byte	8
	.byte	0
	.byte	0
	.byte	11
	.byte	2
	.byte	7
	.byte	26
	.long	183
	.byte	8
	.byte	0
	.byte	0
	.byte	11
	.byte	3
	.byte	7
	.byte	27
	.long	188
	.byte	8
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.byte	20
	.byte	16
	.byte	1
	.byte	8
	.byte	5
	.byte	21
	.long	194
	.byte	8
	.byte	0
	.byte	1
	.byte	0
	.byte	12
	.byte	26
	.byte	16
	.byte	1
	.byte	8
	.byte	12
	.byte	27
	.byte	16
	.byte	1
	.byte	8
	.byte	0
	.byte	4
	.byte	25
	.byte	16
	.byte	1
	.byte	8
	.byte	8
	.long	204
	.byte	9
	.long	535
	.byte	1
	.byte	0

	.byte	11
	.byte	0
	.byte	7
	.byte	22
	.long	234
	.byte	8
	.byte	0
	.byte	0
	.byte	11
	.byte	1
	.byte	7
	.byte	23
	.long	249
	.byte	8
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.byte	22
	.byte	16
	.byte	1
	.byte	8
	.byte	5
	.byte	21
	.long	511
	.byte	8
	.byte	8
	.byte	1
	.byte	0
	.byte	4
	.byte	23
	.byte	16
	.byte	1
	.byte	8
	.byte	5
	.byte	21
	.long	539
	.byte	1
	.byte	1
	.byte	1
	.byte	0
	.byte	0
	.byte	3
	.byte	30
	.long	118

	.byte	1
	.byte	26
	.byte	8
	.byte	2
	.byte	161
	.byte	3
	.byte	31
	.byte	3
	.byte	32
	.long	291

	.byte	1
	.byte	38
	.byte	4
	.byte	2
	.byte	161
	.byte	4
	.byte	42
	.byte	4
	.byte	41
	.byte	8
	.byte	1
	.byte	4
	.byte	13
	.long	519
	.byte	33
	.byte	5
	.byte	34
	.long	547
	.byte	1
	.byte	4
	.byte	3
	.byte	5
	.byte	39
	.long	568
	.byte	4
	.byte	0
	.byte	3
	.byte	0
	.byte	3
	.byte	43
	.long	592

	.byte	1
	.byte	30
	.byte	4
	.byte	2
	.byte	161
	.byte	5
	.byte	53
	.byte	3
	.byte	54
	.long	347

	.byte	1
	.byte	22
	.byte	4
	.byte	2
	.byte	161
	.byte	6
	.byte	60
	.byte	4
	.byte	59
	.byte	8
	.byte	1
	.byte	4
	.byte	8
	.long	357
	.byte	9
	.long	956
	.byte	2
	.byte	0

	.byte	11
	.byte	-2
	.byte	7
	.byte	56
	.long	387
	.byte	4
	.byte	0
	.byte	0
	.byte	11
	.byte	3
	.byte	7
	.byte	57
	.long	402
	.byte	4
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.byte	56
	.byte	8
	.byte	1
	.byte	4
	.byte	5
	.byte	21
	.long	535
	.byte	1
	.byte	2
	.byte	1
	.byte	0
	.byte	4
	.byte	57
	.byte	8
	.byte	1
	.byte	4
	.byte	5
	.byte	58
	.long	519
	.byte	4
	.byte	4
	.byte	1
	.byte	0
	.byte	0
	.byte	3
	.byte	61
	.long	347

	.byte	1
	.byte	20
	.byte	4
	.byte	2
	.byte	161
	.byte	7
	.byte	62
	.byte	3
	.byte	63
	.long	859

	.byte	1
	.byte	32
	.byte	4
	.byte	2
	.byte	161
	.byte	8
	.byte	69
	.byte	3
	.byte	70
	.long	960

	.byte	1
	.byte	36
	.byte	4
	.byte	2
	.byte	161
	.byte	9
	.byte	72
	.byte	3
	.byte	73
	.long	665

	.byte	1
	.byte	34
	.byte	1
	.byte	2
	.byte	161
	.byte	10
	.byte	76
	.byte	3
	.byte	77
	.long	592

	.byte	1
	.byte	28
	.byte	4
	.byte	2
	.byte	161
	.byte	11
	.byte	78
	.byte	14
	.byte	12
	.long	.Lfunc_end0-.Lfunc_begin0
	.byte	1
	.byte	87
	.byte	79
	.byte	1
	.byte	42
	.long	511

	.byte	0
	.byte	15
	.long	511
	.byte	16
	.long	515
	.byte	3
	.byte	0
	.byte	17
	.byte	8
	.byte	7
	.byte	8
	.byte	18
	.byte	9
	.byte	8
	.byte	7
	.byte	17
	.byte	14
	.byte	7
	.byte	4
	.byte	15
	.long	535
	.byte	16
	.long	515
	.byte	4
	.byte	0
	.byte	17
	.byte	16
	.byte	7
	.byte	1
	.byte	17
	.byte	24
	.byte	2
	.byte	1
	.byte	2
	.byte	35
	.byte	2
	.byte	36
	.byte	4
	.byte	38
	.byte	1
	.byte	1
	.byte	1
	.byte	13
	.long	539
	.byte	33
	.byte	5
	.byte	37
	.long	539
	.byte	1
	.byte	0
	.byte	3
	.byte	0
	.byte	4
	.byte	40
	.byte	4
	.byte	1
	.byte	4
	.byte	13
	.long	519
	.byte	33
	.byte	5
	.byte	37
	.long	519
	.byte	4
	.byte	0
	.byte	3
	.byte	0
	.byte	0
	.byte	2
	.byte	44
	.byte	4
	.byte	52
	.byte	4
	.byte	1
	.byte	4
	.byte	8
	.long	602
	.byte	9
	.long	519
	.byte	4
	.byte	0

	.byte	11
	.byte	0
	.byte	7
	.byte	45
	.long	631
	.byte	4
	.byte	0
	.byte	0
	.byte	10
	.byte	7
	.byte	51
	.long	643
	.byte	4
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.byte	45
	.byte	4
	.byte	1
	.byte	4
	.byte	13
	.long	816
	.byte	33
	.byte	0
	.byte	4
	.byte	51
	.byte	4
	.byte	1
	.byte	4
	.byte	13
	.long	816
	.byte	33
	.byte	5
	.byte	21
	.long	816
	.byte	4
	.byte	0
	.byte	1
	.byte	0
	.byte	0
	.byte	4
	.byte	75
	.byte	1
	.byte	1
	.byte	1
	.byte	8
	.long	675
	.byte	9
	.long	535
	.byte	1
	.byte	0

	.byte	11
	.byte	3
	.byte	7
	.byte	45
	.long	704
	.byte	1
	.byte	0
	.byte	0
	.byte	10
	.byte	7
	.byte	51
	.long	716
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.byte	45
	.byte	1
	.byte	1
	.byte	1
	.byte	13
	.long	738
	.byte	33
	.byte	0
	.byte	4
	.byte	51
	.byte	1
	.byte	1
	.byte	1
	.byte	13
	.long	738
	.byte	33
	.byte	5
	.byte	21
	.long	738
	.byte	1
	.byte	0
	.byte	1
	.byte	0
	.byte	0
	.byte	4
	.byte	74
	.byte	1
	.byte	1
	.byte	1
	.byte	8
	.long	748
	.byte	9
	.long	535
	.byte	1
	.byte	0

	.byte	11
	.byte	2
	.byte	7
	.byte	45
	.long	777
	.byte	1
	.byte	0
	.byte	0
	.byte	10
	.byte	7
	.byte	51
	.long	789
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.byte	45
	.byte	1
	.byte	1
	.byte	1
	.byte	13
	.long	539
	.byte	33
	.byte	0
	.byte	4
	.byte	51
	.byte	1
	.byte	1
	.byte	1
	.byte	13
	.long	539
	.byte	33
	.byte	5
	.byte	21
	.long	539
	.byte	1
	.byte	0
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	2
	.byte	46
	.byte	2
	.byte	47
	.byte	4
	.byte	50
	.byte	4
	.byte	1
	.byte	4
	.byte	13
	.long	519
	.byte	33
	.byte	5
	.byte	21
	.long	840
	.byte	4
	.byte	0
	.byte	3
	.byte	0
	.byte	0
	.byte	2
	.byte	48
	.byte	4
	.byte	49
	.byte	4
	.byte	1
	.byte	4
	.byte	5
	.byte	21
	.long	519
	.byte	4
	.byte	0
	.byte	3
	.byte	0
	.byte	0
	.byte	0
	.byte	2
	.byte	64
	.byte	4
	.byte	68
	.byte	8
	.byte	1
	.byte	4
	.byte	8
	.long	869
	.byte	9
	.long	535
	.byte	1
	.byte	0

	.byte	11
	.byte	0
	.byte	7
	.byte	65
	.long	899
	.byte	4
	.byte	0
	.byte	0
	.byte	11
	.byte	1
	.byte	7
	.byte	67
	.long	926
	.byte	4
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.byte	65
	.byte	8
	.byte	1
	.byte	4
	.byte	13
	.long	519
	.byte	33
	.byte	13
	.long	535
	.byte	66
	.byte	5
	.byte	21
	.long	519
	.byte	4
	.byte	4
	.byte	1
	.byte	0
	.byte	4
	.byte	67
	.byte	8
	.byte	1
	.byte	4
	.byte	13
	.long	519
	.byte	33
	.byte	13
	.long	535
	.byte	66
	.byte	5
	.byte	21
	.long	535
	.byte	1
	.byte	1
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	0
	.byte	17
	.byte	55
	.byte	5
	.byte	2
	.byte	17
	.byte	71
	.byte	16
	.byte	4
	.byte	0
.Ldebug_info_end0:
	.section	.rodata._ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E,"aR",@progbits
.Lsec_end0:
	.section	.rodata._ZN5kinds3RAW17heabc76dab95b691fE,"aR",@progbits
.Lsec_end1:
	.section	.rodata._ZN5kinds4DEEP17h4f3c9e135c7d4c14E,"aR",@progbits
.Lsec_end2:
	.section	.rodata._ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E,"aR",@progbits
.Lsec_end3:
	.section	.data._ZN5kinds4LOCK17h9f2e923f4a161eefE,"awR",@progbits
.Lsec_end4:
	.section	.rodata._ZN5kinds4NONE17h45d1f1d85e9f3c96E,"aR",@progbits
.Lsec_end5:
	.section	.rodata._ZN5kinds4PLUS17h55c8faad14e8201eE,"aR",@progbits
.Lsec_end6:
	.section	.rodata._ZN5kinds5MINUS17ha93560a5583f2a34E,"aR",@progbits
.Lsec_end7:
	.section	.rodata._ZN5kinds6FAILED17h341b4d2357543d19E,"aR",@progbits
.Lsec_end8:
	.section	.rodata._ZN5kinds6LETTER17h75d790f79d58b2f5E,"aR",@progbits
.Lsec_end9:
	.section	.rodata._ZN5kinds6NESTED17h196bfe788ee7506fE,"aR",@progbits
.Lsec_end10:
	.section	.rodata._ZN5kinds7NONZERO17hd69bc32ca35a62b3E,"aR",@progbits
.Lsec_end11:
	.section	.text.kmain,"ax",@progbits
.Lsec_end12:
	.section	.debug_aranges,"",@progbits
	.long	236
	.short	2
	.long	.Lcu_begin0
	.byte	8
	.byte	0
	.zero	4,255
	.quad	_ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E
	.quad	.Lsec_end0-_ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E
	.quad	_ZN5kinds3RAW17heabc76dab95b691fE
	.quad	.Lsec_end1-_ZN5kinds3RAW17heabc76dab95b691fE
	.quad	_ZN5kinds4DEEP17h4f3c9e135c7d4c14E
	.quad	.Lsec_end2-_ZN5kinds4DEEP17h4f3c9e135c7d4c14E
	.quad	_ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E
	.quad	.Lsec_end3-_ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E
	.quad	_ZN5kinds4LOCK17h9f2e923f4a161eefE
	.quad	.Lsec_end4-_ZN5kinds4LOCK17h9f2e923f4a161eefE
	.quad	_ZN5kinds4NONE17h45d1f1d85e9f3c96E
	.quad	.Lsec_end5-_ZN5kinds4NONE17h45d1f1d85e9f3c96E
	.quad	_ZN5kinds4PLUS17h55c8faad14e8201eE
	.quad	.Lsec_end6-_ZN5kinds4PLUS17h55c8faad14e8201eE
	.quad	_ZN5kinds5MINUS17ha93560a5583f2a34E
	.quad	.Lsec_end7-_ZN5kinds5MINUS17ha93560a5583f2a34E
	.quad	_ZN5kinds6FAILED17h341b4d2357543d19E
	.quad	.Lsec_end8-_ZN5kinds6FAILED17h341b4d2357543d19E
	.quad	_ZN5kinds6LETTER17h75d790f79d58b2f5E
	.quad	.Lsec_end9-_ZN5kinds6LETTER17h75d790f79d58b2f5E
	.quad	_ZN5kinds6NESTED17h196bfe788ee7506fE
	.quad	.Lsec_end10-_ZN5kinds6NESTED17h196bfe788ee7506fE
	.quad	_ZN5kinds7NONZERO17hd69bc32ca35a62b3E
	.quad	.Lsec_end11-_ZN5kinds7NONZERO17hd69bc32ca35a62b3E
	.quad	.Lfunc_begin0
	.quad	.Lsec_end12-.Lfunc_begin0
	.quad	0
	.quad	0
	.section	.debug_str_offsets,"",@progbits
	.long	324
	.short	5
	.short	0
.Lstr_offsets_base0:
	.section	.debug_str,"MS",@progbits,1
.Linfo_string0:
	.asciz	"clang LLVM (rustc version 1.95.0 (59807616e 2026-04-14))"
.Linfo_string1:
	.asciz	"kinds.rs/@/kinds.c347cea8e86609b4-cgu.0"
.Linfo_string2:
	.asciz	"/src"
.Linfo_string3:
	.asciz	"kinds"
.Linfo_string4:
	.asciz	"mm"
.Linfo_string5:
	.asciz	"frames"
.Linfo_string6:
	.asciz	"MAP"
.Linfo_string7:
	.asciz	"Bitmap<3>"
.Linfo_string8:
	.asciz	"words"
.Linfo_string9:
	.asciz	"u64"
.Linfo_string10:
	.asciz	"__ARRAY_SIZE_TYPE__"
.Linfo_string11:
	.asciz	"_ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E"
.Linfo_string12:
	.asciz	"RAW"
.Linfo_string13:
	.asciz	"Raw"
.Linfo_string14:
	.asciz	"a"
.Linfo_string15:
	.asciz	"u32"
.Linfo_string16:
	.asciz	"b"
.Linfo_string17:
	.asciz	"u8"
.Linfo_string18:
	.asciz	"_ZN5kinds3RAW17heabc76dab95b691fE"
.Linfo_string19:
	.asciz	"DEEP"
.Linfo_string20:
	.asciz	"Deep"
.Linfo_string21:
	.asciz	"A"
.Linfo_string22:
	.asciz	"__0"
.Linfo_string23:
	.asciz	"Inner"
.Linfo_string24:
	.asciz	"X"
.Linfo_string25:
	.asciz	"Y"
.Linfo_string26:
	.asciz	"bool"
.Linfo_string27:
	.asciz	"B"
.Linfo_string28:
	.asciz	"C"
.Linfo_string29:
	.asciz	"_ZN5kinds4DEEP17h4f3c9e135c7d4c14E"
.Linfo_string30:
	.asciz	"FLAT"
.Linfo_string31:
	.asciz	"_ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E"
.Linfo_string32:
	.asciz	"LOCK"
.Linfo_string33:
	.asciz	"Lock<u32>"
.Linfo_string34:
	.asciz	"T"
.Linfo_string35:
	.asciz	"locked"
.Linfo_string36:
	.asciz	"core"
.Linfo_string37:
	.asciz	"cell"
.Linfo_string38:
	.asciz	"UnsafeCell<bool>"
.Linfo_string39:
	.asciz	"value"
.Linfo_string40:
	.asciz	"data"
.Linfo_string41:
	.asciz	"UnsafeCell<u32>"
.Linfo_string42:
	.asciz	"_ZN5kinds4LOCK17h9f2e923f4a161eefE"
.Linfo_string43:
	.asciz	"NONE"
.Linfo_string44:
	.asciz	"option"
.Linfo_string45:
	.asciz	"Option<core::num::nonzero::NonZero<u32>>"
.Linfo_string46:
	.asciz	"None"
.Linfo_string47:
	.asciz	"num"
.Linfo_string48:
	.asciz	"nonzero"
.Linfo_string49:
	.asciz	"NonZero<u32>"
.Linfo_string50:
	.asciz	"niche_types"
.Linfo_string51:
	.asciz	"NonZeroU32Inner"
.Linfo_string52:
	.asciz	"Some"
.Linfo_string53:
	.asciz	"_ZN5kinds4NONE17h45d1f1d85e9f3c96E"
.Linfo_string54:
	.asciz	"PLUS"
.Linfo_string55:
	.asciz	"Signed"
.Linfo_string56:
	.asciz	"i16"
.Linfo_string57:
	.asciz	"Minus"
.Linfo_string58:
	.asciz	"Plus"
.Linfo_string59:
	.asciz	"x"
.Linfo_string60:
	.asciz	"_ZN5kinds4PLUS17h55c8faad14e8201eE"
.Linfo_string61:
	.asciz	"MINUS"
.Linfo_string62:
	.asciz	"_ZN5kinds5MINUS17ha93560a5583f2a34E"
.Linfo_string63:
	.asciz	"FAILED"
.Linfo_string64:
	.asciz	"result"
.Linfo_string65:
	.asciz	"Result<u32, u8>"
.Linfo_string66:
	.asciz	"Ok"
.Linfo_string67:
	.asciz	"E"
.Linfo_string68:
	.asciz	"Err"
.Linfo_string69:
	.asciz	"_ZN5kinds6FAILED17h341b4d2357543d19E"
.Linfo_string70:
	.asciz	"LETTER"
.Linfo_string71:
	.asciz	"char"
.Linfo_string72:
	.asciz	"_ZN5kinds6LETTER17h75d790f79d58b2f5E"
.Linfo_string73:
	.asciz	"NESTED"
.Linfo_string74:
	.asciz	"Option<core::option::Option<bool>>"
.Linfo_string75:
	.asciz	"Option<bool>"
.Linfo_string76:
	.asciz	"_ZN5kinds6NESTED17h196bfe788ee7506fE"
.Linfo_string77:
	.asciz	"NONZERO"
.Linfo_string78:
	.asciz	"_ZN5kinds7NONZERO17hd69bc32ca35a62b3E"
.Linfo_string79:
	.asciz	"kmain"
	.section	.debug_str_offsets,"",@progbits
	.long	.Linfo_string0
	.long	.Linfo_string1
	.long	.Linfo_string2
	.long	.Linfo_string3
	.long	.Linfo_string4
	.long	.Linfo_string5
	.long	.Linfo_string6
	.long	.Linfo_string8
	.long	.Linfo_string9
	.long	.Linfo_string10
	.long	.Linfo_string7
	.long	.Linfo_string11
	.long	.Linfo_string12
	.long	.Linfo_string14
	.long	.Linfo_string15
	.long	.Linfo_string16
	.long	.Linfo_string17
	.long	.Linfo_string13
	.long	.Linfo_string18
	.long	.Linfo_string19
	.long	.Linfo_string21
	.long	.Linfo_string22
	.long	.Linfo_string24
	.long	.Linfo_string25
	.long	.Linfo_string26
	.long	.Linfo_string23
	.long	.Linfo_string27
	.long	.Linfo_string28
	.long	.Linfo_string20
	.long	.Linfo_string29
	.long	.Linfo_string30
	.long	.Linfo_string31
	.long	.Linfo_string32
	.long	.Linfo_string34
	.long	.Linfo_string35
	.long	.Linfo_string36
	.long	.Linfo_string37
	.long	.Linfo_string39
	.long	.Linfo_string38
	.long	.Linfo_string40
	.long	.Linfo_string41
	.long	.Linfo_string33
	.long	.Linfo_string42
	.long	.Linfo_string43
	.long	.Linfo_string44
	.long	.Linfo_string46
	.long	.Linfo_string47
	.long	.Linfo_string48
	.long	.Linfo_string50
	.long	.Linfo_string51
	.long	.Linfo_string49
	.long	.Linfo_string52
	.long	.Linfo_string45
	.long	.Linfo_string53
	.long	.Linfo_string54
	.long	.Linfo_string56
	.long	.Linfo_string57
	.long	.Linfo_string58
	.long	.Linfo_string59
	.long	.Linfo_string55
	.long	.Linfo_string60
	.long	.Linfo_string61
	.long	.Linfo_string62
	.long	.Linfo_string63
	.long	.Linfo_string64
	.long	.Linfo_string66
	.long	.Linfo_string67
	.long	.Linfo_string68
	.long	.Linfo_string65
	.long	.Linfo_string69
	.long	.Linfo_string70
	.long	.Linfo_string71
	.long	.Linfo_string72
	.long	.Linfo_string73
	.long	.Linfo_string75
	.long	.Linfo_string74
	.long	.Linfo_string76
	.long	.Linfo_string77
	.long	.Linfo_string78
	.long	.Linfo_string79
	.section	.debug_addr,"",@progbits
	.long	.Ldebug_addr_end0-.Ldebug_addr_start0
.Ldebug_addr_start0:
	.short	5
	.byte	8
	.byte	0
.Laddr_table_base0:
	.quad	_ZN5kinds2mm6frames3MAP17hd2d7d8faed901d38E
	.quad	_ZN5kinds3RAW17heabc76dab95b691fE
	.quad	_ZN5kinds4DEEP17h4f3c9e135c7d4c14E
	.quad	_ZN5kinds4FLAT17hdb34e3e1f0ddd0f2E
	.quad	_ZN5kinds4LOCK17h9f2e923f4a161eefE
	.quad	_ZN5kinds4NONE17h45d1f1d85e9f3c96E
	.quad	_ZN5kinds4PLUS17h55c8faad14e8201eE
	.quad	_ZN5kinds5MINUS17ha93560a5583f2a34E
	.quad	_ZN5kinds6FAILED17h341b4d2357543d19E
	.quad	_ZN5kinds6LETTER17h75d790f79d58b2f5E
	.quad	_ZN5kinds6NESTED17h196bfe788ee7506fE
	.quad	_ZN5kinds7NONZERO17hd69bc32ca35a62b3E
	.quad	.Lfunc_begin0
.Ldebug_addr_end0:
	.section	.debug_names,"",@progbits
	.long	.Lnames_end0-.Lnames_start0
.Lnames_start0:
	.short	5
	.short	0
	.long	1
	.long	0
	.long	0
	.long	30
	.long	67
	.long	.Lnames_abbrev_end0-.Lnames_abbrev_start0
	.long	8
	.ascii	"LLVM0700"
	.long	.Lcu_begin0
	.long	1
	.long	2
	.long	3
	.long	5
	.long	10
	.long	14
	.long	15
	.long	18
	.long	21
	.long	23
	.long	28
	.long	31
	.long	35
	.long	38
	.long	0
	.long	40
	.long	41
	.long	0
	.long	0
	.long	42
	.long	44
	.long	45
	.long	46
	.long	51
	.long	55
	.long	56
	.long	59
	.long	60
	.long	63
	.long	64
	.long	318227550
	.long	193499011
	.long	1241760962
	.long	-621469934
	.long	177693
	.long	193493013
	.long	1435461303
	.long	1501330203
	.long	-2016019123
	.long	177694
	.long	193506244
	.long	2076454414
	.long	2090479054
	.long	65269985
	.long	264942366
	.long	422565636
	.long	-2033498050
	.long	193500757
	.long	265072117
	.long	2090730937
	.long	266022728
	.long	977628728
	.long	267314769
	.long	267314769
	.long	2090180739
	.long	2090180739
	.long	-32297917
	.long	177670
	.long	1996301890
	.long	2090156110
	.long	177671
	.long	262750241
	.long	2090120081
	.long	-485980175
	.long	177672
	.long	193490862
	.long	759089472
	.long	187787893
	.long	-1992581373
	.long	-1976562181
	.long	-116186940
	.long	1467984559
	.long	1754061679
	.long	-699092186
	.long	-116710495
	.long	574455952
	.long	574455952
	.long	1638629122
	.long	-1711692474
	.long	-1648443804
	.long	193504463
	.long	193504463
	.long	193506143
	.long	217009403
	.long	-52172182
	.long	5863615
	.long	2090551285
	.long	2090551285
	.long	5863826
	.long	386521047
	.long	2090620137
	.long	2090620137
	.long	2090260108
	.long	5863679
	.long	466005599
	.long	2090145029
	.long	2090147939
	.long	.Linfo_string44
	.long	.Linfo_string6
	.long	.Linfo_string33
	.long	.Linfo_string60
	.long	.Linfo_string24
	.long	.Linfo_string56
	.long	.Linfo_string45
	.long	.Linfo_string41
	.long	.Linfo_string38
	.long	.Linfo_string25
	.long	.Linfo_string9
	.long	.Linfo_string62
	.long	.Linfo_string32
	.long	.Linfo_string18
	.long	.Linfo_string3
	.long	.Linfo_string64
	.long	.Linfo_string76
	.long	.Linfo_string47
	.long	.Linfo_string79
	.long	.Linfo_string52
	.long	.Linfo_string73
	.long	.Linfo_string78
	.long	.Linfo_string57
	.long	.Linfo_string61
	.long	.Linfo_string20
	.long	.Linfo_string19
	.long	.Linfo_string5
	.long	.Linfo_string21
	.long	.Linfo_string29
	.long	.Linfo_string36
	.long	.Linfo_string27
	.long	.Linfo_string23
	.long	.Linfo_string26
	.long	.Linfo_string65
	.long	.Linfo_string28
	.long	.Linfo_string68
	.long	.Linfo_string50
	.long	.Linfo_string70
	.long	.Linfo_string42
	.long	.Linfo_string72
	.long	.Linfo_string49
	.long	.Linfo_string7
	.long	.Linfo_string31
	.long	.Linfo_string11
	.long	.Linfo_string74
	.long	.Linfo_string48
	.long	.Linfo_string77
	.long	.Linfo_string53
	.long	.Linfo_string51
	.long	.Linfo_string75
	.long	.Linfo_string13
	.long	.Linfo_string12
	.long	.Linfo_string15
	.long	.Linfo_string10
	.long	.Linfo_string63
	.long	.Linfo_string4
	.long	.Linfo_string46
	.long	.Linfo_string43
	.long	.Linfo_string17
	.long	.Linfo_string69
	.long	.Linfo_string58
	.long	.Linfo_string54
	.long	.Linfo_string30
	.long	.Linfo_string66
	.long	.Linfo_string55
	.long	.Linfo_string37
	.long	.Linfo_string71
	.long	.Lnames32-.Lnames_entries0
	.long	.Lnames6-.Lnames_entries0
	.long	.Lnames25-.Lnames_entries0
	.long	.Lnames48-.Lnames_entries0
	.long	.Lnames16-.Lnames_entries0
	.long	.Lnames44-.Lnames_entries0
	.long	.Lnames33-.Lnames_entries0
	.long	.Lnames29-.Lnames_entries0
	.long	.Lnames28-.Lnames_entries0
	.long	.Lnames17-.Lnames_entries0
	.long	.Lnames4-.Lnames_entries0
	.long	.Lnames50-.Lnames_entries0
	.long	.Lnames30-.Lnames_entries0
	.long	.Lnames12-.Lnames_entries0
	.long	.Lnames0-.Lnames_entries0
	.long	.Lnames51-.Lnames_entries0
	.long	.Lnames63-.Lnames_entries0
	.long	.Lnames35-.Lnames_entries0
	.long	.Lnames66-.Lnames_entries0
	.long	.Lnames40-.Lnames_entries0
	.long	.Lnames62-.Lnames_entries0
	.long	.Lnames65-.Lnames_entries0
	.long	.Lnames45-.Lnames_entries0
	.long	.Lnames49-.Lnames_entries0
	.long	.Lnames13-.Lnames_entries0
	.long	.Lnames21-.Lnames_entries0
	.long	.Lnames2-.Lnames_entries0
	.long	.Lnames14-.Lnames_entries0
	.long	.Lnames22-.Lnames_entries0
	.long	.Lnames26-.Lnames_entries0
	.long	.Lnames19-.Lnames_entries0
	.long	.Lnames15-.Lnames_entries0
	.long	.Lnames18-.Lnames_entries0
	.long	.Lnames52-.Lnames_entries0
	.long	.Lnames20-.Lnames_entries0
	.long	.Lnames54-.Lnames_entries0
	.long	.Lnames38-.Lnames_entries0
	.long	.Lnames58-.Lnames_entries0
	.long	.Lnames31-.Lnames_entries0
	.long	.Lnames59-.Lnames_entries0
	.long	.Lnames37-.Lnames_entries0
	.long	.Lnames3-.Lnames_entries0
	.long	.Lnames24-.Lnames_entries0
	.long	.Lnames7-.Lnames_entries0
	.long	.Lnames60-.Lnames_entries0
	.long	.Lnames36-.Lnames_entries0
	.long	.Lnames64-.Lnames_entries0
	.long	.Lnames42-.Lnames_entries0
	.long	.Lnames39-.Lnames_entries0
	.long	.Lnames61-.Lnames_entries0
	.long	.Lnames8-.Lnames_entries0
	.long	.Lnames11-.Lnames_entries0
	.long	.Lnames9-.Lnames_entries0
	.long	.Lnames5-.Lnames_entries0
	.long	.Lnames55-.Lnames_entries0
	.long	.Lnames1-.Lnames_entries0
	.long	.Lnames34-.Lnames_entries0
	.long	.Lnames41-.Lnames_entries0
	.long	.Lnames10-.Lnames_entries0
	.long	.Lnames56-.Lnames_entries0
	.long	.Lnames46-.Lnames_entries0
	.long	.Lnames47-.Lnames_entries0
	.long	.Lnames23-.Lnames_entries0
	.long	.Lnames53-.Lnames_entries0
	.long	.Lnames43-.Lnames_entries0
	.long	.Lnames27-.Lnames_entries0
	.long	.Lnames57-.Lnames_entries0
.Lnames_abbrev_start0:
	.byte	1
	.byte	57
	.byte	3
	.byte	19
	.byte	4
	.byte	19
	.byte	0
	.byte	0
	.byte	2
	.byte	52
	.byte	3
	.byte	19
	.byte	4
	.byte	19
	.byte	0
	.byte	0
	.byte	3
	.byte	19
	.byte	3
	.byte	19
	.byte	4
	.byte	19
	.byte	0
	.byte	0
	.byte	4
	.byte	36
	.byte	3
	.byte	19
	.byte	4
	.byte	25
	.byte	0
	.byte	0
	.byte	5
	.byte	57
	.byte	3
	.byte	19
	.byte	4
	.byte	25
	.byte	0
	.byte	0
	.byte	6
	.byte	46
	.byte	3
	.byte	19
	.byte	4
	.byte	19
	.byte	0
	.byte	0
	.byte	7
	.byte	23
	.byte	3
	.byte	19
	.byte	4
	.byte	19
	.byte	0
	.byte	0
	.byte	0
.Lnames_abbrev_end0:
.Lnames_entries0:
.Lnames32:
.L43:
	.byte	1
	.long	590
	.long	.L54-.Lnames_entries0
	.byte	0
.Lnames6:
.L3:
	.byte	2
	.long	41
	.long	.L51-.Lnames_entries0
	.byte	0
.Lnames25:
.L1:
	.byte	3
	.long	291
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames48:
.L31:
	.byte	2
	.long	334
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames16:
.L45:
	.byte	3
	.long	234
	.long	.L17-.Lnames_entries0
	.byte	0
.Lnames44:
.L39:
	.byte	4
	.long	956
	.byte	0
.Lnames33:
.L46:
	.byte	3
	.long	592
	.long	.L43-.Lnames_entries0
	.byte	0
.Lnames29:
.L29:
	.byte	3
	.long	568
	.long	.L14-.Lnames_entries0
	.byte	0
.Lnames28:
.L21:
	.byte	3
	.long	547
	.long	.L14-.Lnames_entries0
	.byte	0
.Lnames17:
.L18:
	.byte	3
	.long	249
	.long	.L17-.Lnames_entries0
	.byte	0
.Lnames4:
.L40:
	.byte	4
	.long	511
	.byte	0
.Lnames50:
.L5:
	.byte	2
	.long	418
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames30:
.L37:
	.byte	2
	.long	278
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames12:
.L16:
	.byte	2
	.long	71
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames0:
.L47:
	.byte	5
	.long	35
	.byte	0
.Lnames51:
.L2:
	.byte	1
	.long	857
	.long	.L54-.Lnames_entries0
	.byte	0
.Lnames63:
.L44:
	.byte	2
	.long	457
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames35:
.L49:
	.byte	1
	.long	812
	.long	.L54-.Lnames_entries0
	.byte	0
.Lnames66:
.L19:
	.byte	6
	.long	483
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames40:
.L22:
	.byte	3
	.long	643
	.long	.L46-.Lnames_entries0
.L50:
	.byte	3
	.long	716
	.long	.L7-.Lnames_entries0
.L13:
	.byte	3
	.long	789
	.long	.L11-.Lnames_entries0
	.byte	0
.Lnames62:
	.byte	2
	.long	457
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames65:
.L23:
	.byte	2
	.long	470
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames45:
.L0:
	.byte	3
	.long	387
	.long	.L55-.Lnames_entries0
	.byte	0
.Lnames49:
	.byte	2
	.long	418
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames13:
.L52:
	.byte	3
	.long	118
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames21:
.L8:
	.byte	2
	.long	105
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames2:
.L51:
	.byte	1
	.long	39
	.long	.L28-.Lnames_entries0
	.byte	0
.Lnames14:
.L24:
	.byte	3
	.long	168
	.long	.L52-.Lnames_entries0
	.byte	0
.Lnames22:
	.byte	2
	.long	105
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames26:
.L54:
	.byte	5
	.long	543
	.byte	0
.Lnames19:
.L38:
	.byte	3
	.long	183
	.long	.L52-.Lnames_entries0
	.byte	0
.Lnames15:
.L17:
	.byte	3
	.long	194
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames18:
.L25:
	.byte	4
	.long	539
	.byte	0
.Lnames52:
.L48:
	.byte	3
	.long	859
	.long	.L2-.Lnames_entries0
	.byte	0
.Lnames20:
.L53:
	.byte	3
	.long	188
	.long	.L52-.Lnames_entries0
	.byte	0
.Lnames54:
.L20:
	.byte	3
	.long	926
	.long	.L48-.Lnames_entries0
	.byte	0
.Lnames38:
.L15:
	.byte	1
	.long	838
	.long	.L49-.Lnames_entries0
	.byte	0
.Lnames58:
.L26:
	.byte	2
	.long	444
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames31:
	.byte	2
	.long	278
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames59:
	.byte	2
	.long	444
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames37:
.L34:
	.byte	3
	.long	816
	.long	.L57-.Lnames_entries0
	.byte	0
.Lnames3:
.L41:
	.byte	3
	.long	54
	.long	.L51-.Lnames_entries0
	.byte	0
.Lnames24:
.L32:
	.byte	2
	.long	265
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames7:
	.byte	2
	.long	41
	.long	.L51-.Lnames_entries0
	.byte	0
.Lnames60:
.L7:
	.byte	3
	.long	665
	.long	.L43-.Lnames_entries0
	.byte	0
.Lnames36:
.L57:
	.byte	1
	.long	814
	.long	.L49-.Lnames_entries0
	.byte	0
.Lnames64:
	.byte	2
	.long	470
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames42:
.L56:
	.byte	2
	.long	321
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames39:
.L10:
	.byte	3
	.long	840
	.long	.L15-.Lnames_entries0
	.byte	0
.Lnames61:
.L11:
	.byte	3
	.long	738
	.long	.L43-.Lnames_entries0
	.byte	0
.Lnames8:
.L12:
	.byte	7
	.long	84
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames11:
	.byte	2
	.long	71
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames9:
.L33:
	.byte	4
	.long	519
	.byte	0
.Lnames5:
.L6:
	.byte	4
	.long	515
	.byte	0
.Lnames55:
.L58:
	.byte	2
	.long	431
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames1:
.L28:
	.byte	1
	.long	37
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames34:
.L4:
	.byte	3
	.long	631
	.long	.L46-.Lnames_entries0
.L42:
	.byte	3
	.long	704
	.long	.L7-.Lnames_entries0
.L35:
	.byte	3
	.long	777
	.long	.L11-.Lnames_entries0
	.byte	0
.Lnames41:
	.byte	2
	.long	321
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames10:
.L30:
	.byte	4
	.long	535
	.byte	0
.Lnames56:
	.byte	2
	.long	431
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames46:
.L9:
	.byte	3
	.long	402
	.long	.L55-.Lnames_entries0
	.byte	0
.Lnames47:
	.byte	2
	.long	334
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames23:
	.byte	2
	.long	265
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames53:
.L27:
	.byte	3
	.long	899
	.long	.L48-.Lnames_entries0
	.byte	0
.Lnames43:
.L55:
	.byte	3
	.long	347
	.long	.L47-.Lnames_entries0
	.byte	0
.Lnames27:
.L14:
	.byte	1
	.long	545
	.long	.L54-.Lnames_entries0
	.byte	0
.Lnames57:
.L36:
	.byte	4
	.long	960
	.byte	0
.Lnames_end0:
	.section	.debug_line,"",@progbits
.Lline_table_start0:
