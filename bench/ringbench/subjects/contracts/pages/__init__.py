"""Pages of 4 KiB: mapped to frames of the frame allocator, with rights."""
