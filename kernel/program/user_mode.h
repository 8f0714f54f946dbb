/* The way into user mode and out of it; what is in user_mode.S, and who it calls. */
#pragma once

#include "program/program.h"

_Static_assert(sizeof(struct trap_frame) == 22 * 8, "as FRAME_WORDS in user_mode.S has it");
_Static_assert(offsetof(struct trap_frame, rsp) == (15 + 5) * 8, "as FRAME_RSP there has it");

/* Go on in user mode where `frame` says; returns what program_leave is given. */
enum program_ending program_enter(const struct trap_frame *frame);

/* Leave what came from user mode, a system call or an exception, and return from program_enter. */
__attribute__((noreturn)) void program_leave(enum program_ending ending);

/* Where SYSCALL goes. */
void program_syscall_entry(void);

/* Perform the system call in a program's registers; RAX gets the result. */
void program_syscall(struct trap_frame *frame);

/* End the line that programs have begun to print, if they have. */
void program_end_line(void);

/* For system calls that end the turn: of the program that runs, how it ended. */
extern struct program_end program_end;
