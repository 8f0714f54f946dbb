"""The kernels that the engine knows how to test: each a subject, found by its name."""
