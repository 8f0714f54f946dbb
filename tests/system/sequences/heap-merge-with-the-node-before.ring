#!/usr/bin/env -S ringbench replay
# A kernel that does not merge a freed node with the free one before it:
# what lies in front of an aligned payload stays a node of its own, and the heap does not shrink.
# ringbench 1: memory=16M cpu=max
heap align 0x800 0x1
heap free 0xffffc00000000800
