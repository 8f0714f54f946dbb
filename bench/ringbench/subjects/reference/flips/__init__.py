"""Single bits of a live kernel's structures are flipped: does the check say what, and where?"""
