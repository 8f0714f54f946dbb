"""Every allocation fails once: operations that run short of memory, at each point where they can.

An operation that can't have all it needs must say so and change nothing. It runs short in two ways,
both on the kernel as it is shipped:

- *Units*, which for a kernel are frames. All free ones are taken, and given back one at a time:
  with none free, one, two, the operation fails at its first, second, third, until there are as many
  as it takes. With exactly that many it must succeed.
- *By force*, where the subject knows a way: GDB stops the kernel where its heap is about to grow,
  and has that function return at once, saying that there is no memory.

Frames run out truly, rather than by a return value forced upon the allocator: a kernel may count
the free frames before it takes the first, and an allocator that says "none" and counts a thousand
contradicts itself.

After each failure the reply, the counts and the whole picture are compared with the model's state,
which did not change; then the operation succeeds, and is compared again.

Of a kernel without a model (`scarce`) nobody knows how many units an operation takes: it is tried
with ever more of them.
"""

from ringbench.engine.starve.result import Starved, StarveResult
from ringbench.engine.starve.run import starve, starve_random
from ringbench.engine.starve.scarce import starve_scarce

__all__ = ["StarveResult", "Starved", "starve", "starve_random", "starve_scarce"]
