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
