"""Any kernel's allocators, black box: called at random, held to what they owe their callers.

A configuration says how the functions are called (`ringbench.config.contracts`). No model can tell
which address an allocator returns; but whatever it returns must keep rules, one file a layer.

- `state`, `operation`, and of each layer `operations` and `draw`: what is asked. Operations give
  names to what they get, so that a sequence with one taken out still means the same.
- `ledger`, and of each layer `perform` and `rules`: what was got, and whether it may be so.
- `channel`, `kernel`, `subject`: the interface of the engine, kept.
"""
