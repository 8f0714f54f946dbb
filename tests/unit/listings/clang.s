# What clang 22 writes of the following with -gdwarf-5 -O1, without rows and comments: texts and
# addresses by number, a list of locations.
#
#     struct zone { unsigned long base; struct zone *next; int level : 3; unsigned rest : 29; };
#     static struct zone zones[2] = { { 1, zones, -2, 5 }, { 2, 0, 1, 6 } };
#     static int counter = 7;
#     __attribute__((noinline)) static int twice(int x) { static int calls = 3; calls += x; if (x > 2) { int y = x * calls; return y * y; } return calls; }
#     int kmain(int x) { counter += twice(x) + (int)zones[x & 1].base; return counter; }
	.file	"k.c"
	.file	0 "/kernel" "k.c" md5 0xb2d6922b2ef3df0a28c7422d494d99e7
	.text
	.globl	kmain
	.type	kmain,@function
kmain:
.Lfunc_begin0:
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rbx
	pushq	%rax
	movl	%edi, %ebx
.Ltmp0:
	callq	twice
.Ltmp1:
	andl	$1, %ebx
.Ltmp2:
	leaq	(%rbx,%rbx,2), %rcx
	addl	zones(,%rcx,8), %eax
	addl	counter(%rip), %eax
	movl	%eax, counter(%rip)
	addq	$8, %rsp
	popq	%rbx
	popq	%rbp
	retq
.Ltmp3:
.Lfunc_end0:
	.size	kmain, .Lfunc_end0-kmain
	.type	twice,@function
twice:
.Lfunc_begin1:
	pushq	%rbp
	movq	%rsp, %rbp
	movl	twice.calls(%rip), %ecx
.Ltmp4:
	addl	%edi, %ecx
	movl	%ecx, twice.calls(%rip)
.Ltmp5:
	movl	%ecx, %eax
	imull	%edi, %eax
	imull	%eax, %eax
	cmpl	$3, %edi
	cmovll	%ecx, %eax
.Ltmp6:
	popq	%rbp
	retq
.Ltmp7:
.Lfunc_end1:
	.size	twice, .Lfunc_end1-twice
	.type	counter,@object
	.data
counter:
	.long	7
	.size	counter, 4

	.type	twice.calls,@object
twice.calls:
	.long	3
	.size	twice.calls, 4

	.type	zones,@object
zones:
	.quad	1
	.quad	zones
	.byte	46
	.byte	0
	.byte	0
	.byte	0
	.zero	4
	.quad	2
	.quad	0
	.byte	49
	.byte	0
	.byte	0
	.byte	0
	.zero	4
	.size	zones, 48

	.section	.debug_loclists,"",@progbits
	.long	.Ldebug_list_header_end0-.Ldebug_list_header_start0
.Ldebug_list_header_start0:
	.short	5
	.byte	8
	.byte	0
	.long	1
.Lloclists_table_base0:
	.long	.Ldebug_loc0-.Lloclists_table_base0
.Ldebug_loc0:
	.byte	4
	.uleb128 .Lfunc_begin0-.Lfunc_begin0
	.uleb128 .Ltmp1-.Lfunc_begin0
	.byte	1
	.byte	85
	.byte	4
	.uleb128 .Ltmp1-.Lfunc_begin0
	.uleb128 .Ltmp2-.Lfunc_begin0
	.byte	1
	.byte	83
	.byte	4
	.uleb128 .Ltmp2-.Lfunc_begin0
	.uleb128 .Lfunc_end0-.Lfunc_begin0
	.byte	4
	.byte	163
	.byte	1
	.byte	85
	.byte	159
	.byte	0
.Ldebug_list_header_end0:
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
	.ascii	"\214\001"
	.byte	23
	.byte	0
	.byte	0
	.byte	2
	.byte	46
	.byte	1
	.byte	17
	.byte	27
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	122
	.byte	25
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	39
	.byte	25
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	3
	.byte	52
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	2
	.byte	24
	.byte	0
	.byte	0
	.byte	4
	.byte	5
	.byte	0
	.byte	2
	.byte	24
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	5
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
	.byte	6
	.byte	1
	.byte	1
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	7
	.byte	33
	.byte	0
	.byte	73
	.byte	19
	.byte	55
	.byte	11
	.byte	0
	.byte	0
	.byte	8
	.byte	19
	.byte	1
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	9
	.byte	13
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	56
	.byte	11
	.byte	0
	.byte	0
	.byte	10
	.byte	13
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	13
	.byte	11
	.byte	107
	.byte	11
	.byte	0
	.byte	0
	.byte	11
	.byte	15
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	12
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
	.byte	13
	.byte	46
	.byte	1
	.byte	17
	.byte	27
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	122
	.byte	25
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	39
	.byte	25
	.byte	73
	.byte	19
	.byte	63
	.byte	25
	.byte	0
	.byte	0
	.byte	14
	.byte	5
	.byte	0
	.byte	2
	.byte	34
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	15
	.byte	72
	.byte	1
	.byte	127
	.byte	19
	.byte	125
	.byte	27
	.byte	0
	.byte	0
	.byte	16
	.byte	73
	.byte	0
	.byte	2
	.byte	24
	.byte	126
	.byte	24
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
	.short	29
	.byte	1
	.long	.Lstr_offsets_base0
	.long	.Lline_table_start0
	.byte	2
	.byte	3
	.long	.Lfunc_end1-.Lfunc_begin0
	.long	.Laddr_table_base0
	.long	.Lloclists_table_base0
	.byte	2
	.byte	5
	.long	.Lfunc_end1-.Lfunc_begin1
	.byte	1
	.byte	86
	.byte	16
	.byte	0
	.byte	4
	.long	76
	.byte	3
	.byte	3
	.long	76
	.byte	0
	.byte	4
	.byte	2
	.byte	161
	.byte	0
	.byte	4
	.byte	1
	.byte	85
	.byte	17
	.byte	0
	.byte	4
	.long	76
	.byte	0
	.byte	5
	.byte	4
	.byte	5
	.byte	4
	.byte	3
	.byte	5
	.long	91
	.byte	0
	.byte	2
	.byte	2
	.byte	161
	.byte	1
	.byte	6
	.long	103
	.byte	7
	.long	160
	.byte	2
	.byte	0
	.byte	8
	.byte	12
	.byte	24
	.byte	0
	.byte	1
	.byte	9
	.byte	6
	.long	147
	.byte	0
	.byte	1
	.byte	0
	.byte	9
	.byte	8
	.long	151
	.byte	0
	.byte	1
	.byte	8
	.byte	10
	.byte	9
	.long	76
	.byte	0
	.byte	1
	.byte	3
	.byte	128
	.byte	10
	.byte	10
	.long	156
	.byte	0
	.byte	1
	.byte	29
	.byte	131
	.byte	0
	.byte	5
	.byte	7
	.byte	7
	.byte	8
	.byte	11
	.long	103
	.byte	5
	.byte	11
	.byte	7
	.byte	4
	.byte	12
	.byte	13
	.byte	8
	.byte	7
	.byte	3
	.byte	14
	.long	76
	.byte	0
	.byte	3
	.byte	2
	.byte	161
	.byte	2
	.byte	13
	.byte	3
	.long	.Lfunc_end0-.Lfunc_begin0
	.byte	1
	.byte	86
	.byte	15
	.byte	0
	.byte	5
	.long	76
	.byte	14
	.byte	0
	.byte	17
	.byte	0
	.byte	5
	.long	76
	.byte	15
	.long	39
	.byte	4
	.byte	16
	.byte	1
	.byte	85
	.byte	3
	.byte	163
	.byte	1
	.byte	85
	.byte	0
	.byte	0
	.byte	0
.Ldebug_info_end0:
	.section	.debug_str_offsets,"",@progbits
	.long	76
	.short	5
	.short	0
.Lstr_offsets_base0:
	.section	.debug_str,"MS",@progbits,1
.Linfo_string0:
	.asciz	"clang version 22.1.8"
.Linfo_string1:
	.asciz	"k.c"
.Linfo_string2:
	.asciz	"/kernel"
.Linfo_string3:
	.asciz	"calls"
.Linfo_string4:
	.asciz	"int"
.Linfo_string5:
	.asciz	"zones"
.Linfo_string6:
	.asciz	"base"
.Linfo_string7:
	.asciz	"unsigned long"
.Linfo_string8:
	.asciz	"next"
.Linfo_string9:
	.asciz	"level"
.Linfo_string10:
	.asciz	"rest"
.Linfo_string11:
	.asciz	"unsigned int"
.Linfo_string12:
	.asciz	"zone"
.Linfo_string13:
	.asciz	"__ARRAY_SIZE_TYPE__"
.Linfo_string14:
	.asciz	"counter"
.Linfo_string15:
	.asciz	"kmain"
.Linfo_string16:
	.asciz	"twice"
.Linfo_string17:
	.asciz	"x"
	.section	.debug_str_offsets,"",@progbits
	.long	.Linfo_string0
	.long	.Linfo_string1
	.long	.Linfo_string2
	.long	.Linfo_string3
	.long	.Linfo_string4
	.long	.Linfo_string5
	.long	.Linfo_string6
	.long	.Linfo_string7
	.long	.Linfo_string8
	.long	.Linfo_string9
	.long	.Linfo_string10
	.long	.Linfo_string11
	.long	.Linfo_string12
	.long	.Linfo_string13
	.long	.Linfo_string14
	.long	.Linfo_string15
	.long	.Linfo_string16
	.long	.Linfo_string17
	.section	.debug_addr,"",@progbits
	.long	.Ldebug_addr_end0-.Ldebug_addr_start0
.Ldebug_addr_start0:
	.short	5
	.byte	8
	.byte	0
.Laddr_table_base0:
	.quad	twice.calls
	.quad	zones
	.quad	counter
	.quad	.Lfunc_begin0
	.quad	.Ltmp1
	.quad	.Lfunc_begin1
.Ldebug_addr_end0:
	.section	.debug_line,"",@progbits
.Lline_table_start0:
