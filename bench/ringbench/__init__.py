"""A QEMU-driven test bench for hobby kernels: boot, drive, observe, compare with a model."""
