"""Typed pictures of a stopped guest, out of its memory and never from what it says."""
