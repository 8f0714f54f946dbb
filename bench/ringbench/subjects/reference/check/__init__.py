"""Pictures against the model, invariants, frame ownership."""
