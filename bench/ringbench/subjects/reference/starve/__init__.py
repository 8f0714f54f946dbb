"""How the reference kernel runs short of memory."""
