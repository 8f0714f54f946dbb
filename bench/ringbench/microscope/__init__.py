"""The guest's own instructions, watched by a plugin inside QEMU: no change to the kernel."""
