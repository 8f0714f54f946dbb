"""Pictures against the model, invariants, frame ownership, page-table witnesses."""
