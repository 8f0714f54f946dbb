"""Tables and JSON of the reference kernel."""
