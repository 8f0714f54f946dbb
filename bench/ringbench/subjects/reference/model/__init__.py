"""What the kernel must do: small immutable states, and functions with the kernel's own names.

Every function takes a state and returns `(state, status, value)`; nothing here talks to a machine.
"""
