"""Each operation: the console's checks, then the kernel function, then the reply's values."""
