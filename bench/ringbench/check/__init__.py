"""What disagrees: a mismatch, the tally of a layer, page tables as QEMU sees them."""
