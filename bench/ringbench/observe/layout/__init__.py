"""A kernel's own memory management, read out of its memory as `[layout]` describes it."""
