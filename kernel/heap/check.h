/* What is wrong with what the heap is given, and with what it finds in itself. */
#pragma once

#include "heap/heap.h"

/* What is wrong with a pointer that is not the payload of an intact node in use. */
int name_bad_pointer(const void *pointer);

/* A smashed header was met where there is no way back. */
_Noreturn void node_panic(const struct heap_node *node);
