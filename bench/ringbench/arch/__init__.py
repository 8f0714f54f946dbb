"""Facts of the hardware, one sub-package an architecture."""
