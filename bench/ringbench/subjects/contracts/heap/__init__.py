"""The heap: blocks of any size."""
