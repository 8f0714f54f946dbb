"""Typed pictures of the stopped reference kernel, out of its memory and never from what it says."""
