"""A stopped guest of any kernel: registers, features, page tables, memory by type."""
