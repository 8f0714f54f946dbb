"""Everything that the reference kernel can be asked to do: one class an operation, a file a layer.

Addresses, lengths and sizes are bytes; `flags` are page flags (`flags`); spaces, roots and tasks
are the console's handles (`handles`): `kernel`, `t1`, `r0`. `kind` is the console's word for a
backing, `mode` one of `r`, `w`, `x`.

To add one, write its class in its layer's file, how the model performs it (`model.handlers`), and
what draws it (`workload`); the GDB channel performs it if it has a function for it
(`drive.gdb_calls`). `table` lists all of them.
"""
