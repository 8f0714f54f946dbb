/* The two 8259A interrupt controllers: every line masked until somebody asks for it. */
#pragma once

#include "base/types.h"

void pic_init(void); /* interrupts 0..15 arrive as vectors IRQ_VECTOR.. */
void pic_unmask(unsigned irq);
void pic_acknowledge(unsigned irq); /* by the handler; knows spurious ones */
