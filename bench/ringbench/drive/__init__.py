"""How operations reach a kernel, whatever the kernel."""
