"""Kernel operations as plain values, and the channels that perform them on a real kernel."""
