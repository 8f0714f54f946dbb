/*
 * What runs in the guest while its functions are called: it takes batches of steps from the bench's
 * own memory, performs them on the stack of the kernel's that it was begun on, and leaves results.
 *
 * All addresses are relative to RIP: where the bench's memory is seen is found out by the bench,
 * which also writes the numbers below (layout.py, steps.py; a test compares). Nothing is kept in
 * registers across a call, so that a kernel function that spoils some does no harm.
 *
 *     gcc -c stub.S && objcopy -O binary -j .text stub.o stub.bin        (a test does it as well)
 */
    .set CONTROL, stub + 0x1000
    .set FPU, stub + 0x2000
    .set RESULTS, stub + 0x6000
    .set STEPS, stub + 0x4e000

    .set wanted, CONTROL                /* the bench sets it to 1, the stub to 0 when all is done */
    .set count, CONTROL + 8             /* steps of the batch */
    .set done, CONTROL + 16             /* steps performed: also the number of the one under way */
    .set interrupts, CONTROL + 24       /* not 0: calls may have them on */
    .set fpu, CONTROL + 32              /* 0: let it be, 1: FXSAVE, 2: XSAVE */
    .set stack, CONTROL + 40            /* RSP between calls */
    .set step, CONTROL + 48             /* the step under way */

    /* What probes need; probes.py fills in what is not the kernel's. */
    .set own_gdt, CONTROL + 0x80        /* each a limit and a base, as LGDT and LIDT take them */
    .set own_idt, CONTROL + 0x90
    .set kernel_gdt, CONTROL + 0xa0
    .set kernel_idt, CONTROL + 0xb0
    .set flags, CONTROL + 0xc0          /* the kernel's RFLAGS */
    .set segments, CONTROL + 0xc8       /* its SS, DS, ES, FS, GS, and TR */
    .set bases, CONTROL + 0xd8          /* of its FS and GS */
    .set GDT, CONTROL + 0x200
    .set TSS, CONTROL + 0x600
    .set RSP0, 4                        /* of the TSS: the stack of exceptions of programs */
    .set PROGRAM_STACK, CONTROL + 0x1000
    .set ALIAS, 0x200000                /* programs see all of this so much higher */
    .set PROGRAM_CODE, 0x1fb            /* selectors of the bench's GDT: its last entries */
    .set PROGRAM_DATA, 0x1f3
    .set PROGRAM_TASK, 0x1e0
    .set TYPE, 5                        /* of a descriptor: the byte with its type */
    .set TASK, 0x89                     /* one that is not busy */
    .set BUSY, 2
    .set FS_BASE, 0xc0000100
    .set GS_BASE, 0xc0000101

    /* A step: kind, which operands are results, how many values mean none; seven operands; those
       values. A result: the value, and what became of the step. */
    .set KIND, 0
    .set RELATIVE, 1
    .set NONES, 2
    .set OPERAND, 8
    .set NONE, 64
    .set STEP_SIZE, 80
    .set CALL, 0
    .set FILL, 1
    .set CHECK, 2
    .set LOAD, 3
    .set STORE, 4
    .set LEAVE, 5
    .set PROBE, 6
    .set DONE, 1                        /* it was performed */
    .set FAILED, 2                      /* it was, and returned one of those values */
    .set SKIPPED, 3                     /* it needed the result of one that failed or was skipped */

    .text
    .globl stub
stub:
    cld
    movq %rsp, stack(%rip)
    cmpb $1, fpu(%rip)
    jb wait
    je 1f
    movl $-1, %eax
    movl $-1, %edx
    xsave64 FPU(%rip)
    jmp wait
1:  fxsave64 FPU(%rip)

wait:                                   /* keeps nothing: a guest frozen here can be restored */
    cmpq $0, wanted(%rip)
    je wait

    leaq STEPS(%rip), %r12
next:
    movq done(%rip), %rax
    cmpq count(%rip), %rax
    je all_done
    movzbl RELATIVE(%r12), %ebx
    testl %ebx, %ebx
    jnz resolve
resolved:
    movzbl KIND(%r12), %eax
    movq OPERAND(%r12), %rdi
    movq OPERAND + 16(%r12), %rdx
    testl %eax, %eax
    jz call
    movq OPERAND + 8(%r12), %rcx
    cmpl $CHECK, %eax
    jb fill
    je check
    cmpl $STORE, %eax
    jb load
    je store
    cmpl $PROBE, %eax
    je probe
    jmp leave

/* Puts numbers in place of operands that are results of earlier steps: the low 16 bits say of which
   one, the others what is added. */
resolve:
    leaq RESULTS(%rip), %rdx
1:  bsfl %ebx, %ecx
    leal -1(%rbx), %eax
    andl %eax, %ebx
    movq OPERAND(%r12, %rcx, 8), %rax
    movzwl %ax, %esi
    shll $4, %esi
    sarq $16, %rax
    cmpq $DONE, 8(%rdx, %rsi)
    jne skip
    addq (%rdx, %rsi), %rax
    movq %rax, OPERAND(%r12, %rcx, 8)
    testl %ebx, %ebx
    jnz 1b
    jmp resolved

skip:
    xorl %eax, %eax
    movl $SKIPPED, %ebx
    jmp note

call:
    movq %r12, step(%rip)
    movq OPERAND + 8(%r12), %rdi
    movq OPERAND + 16(%r12), %rsi
    movq OPERAND + 24(%r12), %rdx
    movq OPERAND + 32(%r12), %rcx
    movq OPERAND + 40(%r12), %r8
    movq OPERAND + 48(%r12), %r9
    xorl %eax, %eax                     /* no vector registers, of a function like printf */
    call *OPERAND(%r12)
    movq stack(%rip), %rsp
    movq step(%rip), %r12
    cld
    cmpb $0, interrupts(%rip)
    jne 1f
    cli                                 /* the function may have let them in */
1:  movl $DONE, %ebx
    movzbl NONES(%r12), %ecx
    testl %ecx, %ecx
    jz note
    cmpq NONE(%r12), %rax
    je none
    cmpl $1, %ecx
    je note
    cmpq NONE + 8(%r12), %rax
    jne note
none:
    movl $FAILED, %ebx
    jmp note

fill:                                   /* RDI: from where, RCX: bytes, RDX: eight times the byte */
    movq %rdx, %rax
    movq %rcx, %rdx
    shrq $3, %rcx
    rep stosq
    movl %edx, %ecx
    andl $7, %ecx
    rep stosb
    movq %rdx, %rax
    jmp performed

check:                                  /* likewise; gives the offset of the first other byte */
    xorl %eax, %eax
1:  leaq 8(%rax), %rsi
    cmpq %rcx, %rsi
    ja 2f
    cmpq %rdx, (%rdi, %rax)
    jne 2f
    movq %rsi, %rax
    jmp 1b
2:  cmpq %rcx, %rax
    je performed
    cmpb %dl, (%rdi, %rax)
    jne performed
    incq %rax
    jmp 2b

load:
    movq (%rdi), %rax
    jmp performed

store:
    movq %rcx, (%rdi)
    xorl %eax, %eax

performed:
    movl $DONE, %ebx
note:                                   /* RAX: the result, EBX: the state, R12: the step */
    movq done(%rip), %rcx
    leaq RESULTS(%rip), %rdx
    movq %rcx, %rsi
    shlq $4, %rsi
    movq %rax, (%rdx, %rsi)
    movq %rbx, 8(%rdx, %rsi)
    incq %rcx
    movq %rcx, done(%rip)
    addq $STEP_SIZE, %r12
    jmp next

all_done:
    movq $0, wanted(%rip)
    jmp wait

leave:
    cli
    cmpb $1, fpu(%rip)
    jb 2f
    je 1f
    movl $-1, %eax
    movl $-1, %edx
    xrstor64 FPU(%rip)
    jmp 2f
1:  fxrstor64 FPU(%rip)
2:  movq $0, wanted(%rip)
    jmp .                               /* the debugger takes it from here */

/*
 * Probes: one access that may fault, with the bench's own tables for exceptions, and interrupts off.
 * The result is 0 if nothing was raised, else the vector times 2^32 and the error code. What is
 * executed is to be INT3, whose #BP says that it was; a program ends with one, too.
 */
    .macro access                       /* to RDI: R13 is 0 to read, 1 to write, 2 to execute */
    xorl %eax, %eax
    cmpl $1, %r13d
    jb 1f
    je 2f
    jmp *%rdi
1:  cmpb %al, (%rdi)
    jmp 3f
2:  lock orb $0, (%rdi)
3:
    .endm

    .macro keep_base msr, at
    movl $\msr, %ecx
    rdmsr
    movl %eax, bases + \at(%rip)
    movl %edx, bases + \at + 4(%rip)
    .endm

    .macro put_back_base msr, at
    movl $\msr, %ecx
    movl bases + \at(%rip), %eax
    movl bases + \at + 4(%rip), %edx
    wrmsr
    .endm

probe:                                  /* RDI: where, RCX: as R13 above; 4 more: as a program */
    movl %ecx, %r13d
    pushfq
    popq flags(%rip)
    pushq $2
    popfq                               /* neither IF, nor AC, which would lift SMAP */
    sgdt kernel_gdt(%rip)
    sidt kernel_idt(%rip)
    lgdt own_gdt(%rip)
    lidt own_idt(%rip)
    btrl $2, %r13d
    jc as_program
    access

probed:                                 /* RAX: the result */
    lgdt kernel_gdt(%rip)
    lidt kernel_idt(%rip)
    pushq flags(%rip)
    popfq
    jmp performed

as_program:
    movw %ss, segments(%rip)
    movw %ds, segments + 2(%rip)
    movw %es, segments + 4(%rip)
    movw %fs, segments + 6(%rip)
    movw %gs, segments + 8(%rip)
    strw segments + 10(%rip)
    keep_base FS_BASE, 0
    keep_base GS_BASE, 8
    movq %rsp, TSS + RSP0(%rip)
    movb $TASK, GDT + PROGRAM_TASK + TYPE(%rip)
    movl $PROGRAM_TASK, %eax
    ltr %ax
    pushq $PROGRAM_DATA
    leaq PROGRAM_STACK + ALIAS(%rip), %rax
    pushq %rax
    pushq $2
    pushq $PROGRAM_CODE
    leaq program + ALIAS(%rip), %rax
    pushq %rax
    iretq

program:
    access
    int3

/* A program's exception; what IRET and the exception did to the segments is undone. A task that is
   loaded must not be busy, as the kernel's is, and is so again afterwards. */
back:
    movq %rax, %rsi
    lgdt kernel_gdt(%rip)
    movzwl segments + 10(%rip), %eax
    testl %eax, %eax
    jz 1f
    movq kernel_gdt + 2(%rip), %rcx
    andb $~BUSY, TYPE(%rcx, %rax)
1:  ltr %ax
    movw segments(%rip), %ss
    movw segments + 2(%rip), %ds
    movw segments + 4(%rip), %es
    movw segments + 6(%rip), %fs
    movw segments + 8(%rip), %gs
    put_back_base FS_BASE, 0
    put_back_base GS_BASE, 8
    movq %rsi, %rax
    jmp probed

/* Where exceptions lead: 16 bytes for each vector. The processor pushes an error code for some. */
    .org 0x800
    .set vector, 0
    .rept 32
    .balign 16
    .if !((0x60227d00 >> vector) & 1)
    pushq $0
    .endif
    pushq $vector
    jmp caught
    .set vector, vector + 1
    .endr
    .balign 16
caught:                                 /* vector, error code, RIP, CS of what was interrupted */
    popq %rax
    popq %rcx
    shlq $32, %rax
    orq %rcx, %rax
    movl 8(%rsp), %ecx
    movq stack(%rip), %rsp
    testb $3, %cl
    jnz back
    jmp probed
