"""The kernel in this tree: its operations, its model, and all that the bench knows of it."""
