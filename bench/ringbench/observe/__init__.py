"""A stopped guest of any kernel: its processor, its page tables, its memory by type."""
