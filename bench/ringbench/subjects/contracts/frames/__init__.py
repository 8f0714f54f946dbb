"""The frame allocator: pages of physical memory, one or several in a row."""
