"""The command line: a module a sub-command, imported when it is called."""
