"""What there is to flip bits of in the reference kernel."""
