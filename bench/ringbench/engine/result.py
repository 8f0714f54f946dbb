"""What a run found: counts and mismatches, per layer. Plain values for the reports to print."""

from __future__ import annotations

from dataclasses import dataclass

from ringbench.check.mismatch import Mismatch


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One row of the verdict.

    Attributes:
        layer: one of the subject's layers, or `ringbench.check.mismatch.MACHINE`.
        operations: how many were performed.
        comparisons: how many single facts were compared: a status, a value, a count, a frame, an
            entry, a region, a node.
        mismatches: what did not agree, in the order found.
    """

    layer: str
    operations: int
    comparisons: int
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Whether everything that was compared agreed."""
        return not self.mismatches


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run.

    Attributes:
        seed: what the workload was generated from; the same seed gives the same operations.
        memory: guest memory in bytes.
        cpu: QEMU's name of the CPU.
        boot_seconds: from starting QEMU to the prompt.
        seconds: the whole run, boot included.
        channels: operations per channel, for example ``{"console": 5000, "gdb": 200}``.
        pictures: how often the whole picture was taken and compared.
        layers: one row a layer, lowest first.
    """

    seed: int
    memory: int
    cpu: str
    boot_seconds: float
    seconds: float
    channels: dict[str, int]
    pictures: int
    layers: tuple[LayerResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every layer passed."""
        return all(layer.passed for layer in self.layers)

    @property
    def operations(self) -> int:
        """Operations over all layers."""
        return sum(layer.operations for layer in self.layers)

    @property
    def comparisons(self) -> int:
        """Comparisons over all layers."""
        return sum(layer.comparisons for layer in self.layers)

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """All mismatches, lowest layer first."""
        return tuple(mismatch for layer in self.layers for mismatch in layer.mismatches)
