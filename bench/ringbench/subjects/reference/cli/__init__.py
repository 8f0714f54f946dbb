"""The sub-commands that look at the reference kernel."""
