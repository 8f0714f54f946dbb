"""The way of an operation through the reference kernel's layers."""
