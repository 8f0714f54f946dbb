#!/usr/bin/env -S ringbench replay
# The same kernel: the heap of one payload is not given back whole.
# ringbench 1: memory=16M cpu=max
heap align 0x1000 0x1
heap free 0xffffc00000001000
heap alloc 0x1000
heap check
