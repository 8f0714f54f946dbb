"""The reference kernel's state, read out of a stopped guest's memory by the names of a `Layout`.

A record of what was read has a name that begins with *Seen* (`SeenRegion`, `SeenHeap`), as a
mismatch says what was *seen*; what the model predicts of the same thing has the plain name
(`Region`).
"""
