/*
 * COM1, 115200 8N1. Output polls; input sleeps (sti; hlt) until the receive interrupt. Without a
 * UART, output is dropped and input never comes.
 */
#pragma once

#include "base/types.h"

void serial_init(void);         /* output works from here on */
void serial_enable_input(void); /* after traps_init: unmasks IRQ 4 */
void serial_put(char c);
bool serial_at_line_start(void); /* the last character put was '\n', or there was none */
void serial_flush(void);         /* wait until every character has left */
bool serial_has_input(void);     /* a character has come: serial_get will not wait */
void serial_sleep(void);         /* until a character has come, or another interrupt */
char serial_get(void);           /* waits for a character; the CPU sleeps meanwhile */
