"""The channels that perform operations on the reference kernel."""
