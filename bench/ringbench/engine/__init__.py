"""The engine: runs, hunts, reduces, replays and starves any subject, in lockstep with its model."""
