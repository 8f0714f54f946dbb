"""What the guest saw against what must be: counts, and the cases that differ in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import LEVEL_NAMES, LEVELS, PAGE_SIZE
from ringbench.arch.x86_64.entry import describe
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.leaves import Flags, Positions, Words
from ringbench.arch.x86_64.outcome_bulk import NO_FAULT, Accesses, Outcomes, outcomes
from ringbench.arch.x86_64.qemu_departures import chains, follow
from ringbench.arch.x86_64.vectors import PageFaultCode, Vector, vector_name
from tests.permissions.performer import AccessBits, Batch, Place, Results

SHOWN: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One answer that the manual allows: the accesses as the processor may see them, and theirs."""

    accesses: Accesses
    outcomes: Outcomes


@dataclass(slots=True)
class Tally:
    """Results so far.

    Attributes:
        compared: cases.
        faults: those that had to fault.
        departures: cases in which QEMU departed from the manual as it is known to, by how.
        stale: cases that agree only with another answer than that of the entries in memory.
        wrong: cases that nothing explains.
        shown: the first of these, in words.
    """

    compared: int = 0
    faults: int = 0
    stale: int = 0
    departures: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    shown: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return what is wrong: the count and the first cases."""
        more = f"\n... and {self.wrong - len(self.shown):,} more" if self.wrong > SHOWN else ""
        head = f"{self.wrong:,} of {self.compared:,} accesses are not as the manual has them:\n"
        return head + "\n".join(self.shown) + more


class Judge:
    """Holds results against the manual, and against QEMU's known departures from it."""

    def __init__(self, features: Features, place: Place, bits: AccessBits) -> None:
        self._features = features
        self._place = place
        self._bits = bits
        self.tally = Tally()

    def accesses(self, batch: Batch) -> Accesses:
        """Return a batch as the manual speaks of it."""
        kind = batch.access & np.uint64(self._bits.read | self._bits.write | self._bits.fetch)
        offsets = np.array(self._place.offsets, np.uint64)
        return Accesses(
            entries=batch.entries,
            vaddr=np.uint64(batch.page) + offsets[kind.astype(np.intp)],
            write=kind == self._bits.write,
            fetch=kind == self._bits.fetch,
            user=batch.access & np.uint64(self._bits.user) != 0,
            controls=batch.controls,
            features=self._features,
        )

    def judge(self, batch: Batch, results: Results, also: Sequence[Answer] = ()) -> None:
        """Count one batch; `also`: other answers that the manual allows, for the same accesses."""
        accesses = self.accesses(batch)
        answers = [Answer(accesses, outcomes(accesses)), *also]
        tally = self.tally
        tally.compared += len(batch)
        tally.faults += int(np.count_nonzero(answers[0].outcomes.code != NO_FAULT))
        wrong = ~self._agree(answers[0], results)
        for answer in also:
            stale = wrong & self._agree(answer, results)
            tally.stale += int(np.count_nonzero(stale))
            wrong &= ~stale
        if wrong.any():
            self._explain(np.flatnonzero(wrong), batch, results, answers)

    def _agree(self, answer: Answer, results: Results) -> Flags:
        """Tell which results are as an answer has them, to the last bit."""
        expected, faults = answer.outcomes, answer.outcomes.code != NO_FAULT
        agree: Flags = results["vector"] == np.where(faults, Vector.PF, 0)
        agree &= results["error"] == np.where(faults, expected.code, 0)
        agree &= results["cr2"] == np.where(faults, answer.accesses.vaddr, np.uint64(0))
        agree &= results["reached"] == self._reached(expected)
        differ = (results["entry"] ^ expected.certain) & ~expected.open
        agree &= ~differ.any(axis=1)
        return agree

    def _reached(self, expected: Outcomes) -> Words:
        """Return the number of the target frame that is reached: 1, 2; 0 is neither."""
        frame = expected.paddr & np.uint64(-PAGE_SIZE % 2**64)
        first, second = (np.uint64(each) for each in self._place.frames)
        number = np.where(frame == first, 1, np.where(frame == second, 2, 0))
        return np.where(expected.code != NO_FAULT, 0, number).astype(np.uint64)

    def _explain(
        self, cases: Positions, batch: Batch, results: Results, answers: Sequence[Answer]
    ) -> None:
        """Count cases that no answer agrees with as QEMU's, or as wrong."""
        for chain in chains():
            for answer in answers:
                accesses = pick_accesses(answer.accesses, cases)
                seen = follow(chain, accesses, pick_outcomes(answer.outcomes, cases))
                explained = self._agree(Answer(accesses, seen), results[cases])
                count = int(np.count_nonzero(explained))
                for departure in chain if count else ():
                    self.tally.departures[departure.name] += count
                cases = cases[~explained]
                if not len(cases):
                    return
        self.tally.wrong += len(cases)
        for case in cases[: SHOWN - len(self.tally.shown)]:
            self.tally.shown.append(self._describe(int(case), batch, results, answers[0]))

    def _describe(self, case: int, batch: Batch, results: Results, answer: Answer) -> str:
        """Return one case in words: what was done, what must become of it, what did."""
        accesses, expected, seen = answer.accesses, answer.outcomes, results[case]
        kind = "write" if accesses.write[case] else "fetch" if accesses.fetch[case] else "read"
        ring = "user" if accesses.user[case] else "supervisor"
        flush = "" if int(batch.access[case]) & self._bits.flush else ", without INVLPG"
        at = int(accesses.vaddr[case])
        lines = [
            f"{ring} {kind} at {at:#x}{flush}; control bits: {batch.controls}",
            f"    must: {_fault(int(expected.code[case]), at)}, "
            f"reaches {_frame(int(self._reached(expected)[case]))}",
            f"    seen: {_seen(seen)}, reaches {_frame(int(seen['reached']))}",
        ]
        for column in range(LEVELS):
            level = LEVELS - column
            before = int(batch.entries[case, column])
            must, after = int(expected.certain[case, column]), int(seen["entry"][column])
            lines.append(f"    {LEVEL_NAMES[level] + 'E':6} {describe(before, level)}")
            if (must ^ after) & ~int(expected.open[case, column]):
                lines.append(f"        must become {describe(must, level)}")
                lines.append(f"        seen        {describe(after, level)}")
        return "\n".join(lines)


def _fault(code: int, address: int) -> str:
    if code == NO_FAULT:
        return "no fault"
    return f"#PF error code {code:#x} ({PageFaultCode(code)}), CR2 {address:#x}"


def _frame(number: int) -> str:
    return f"frame {number}" if number else "nothing"


def _seen(result: np.void) -> str:
    vector, code = int(result["vector"]), int(result["error"])
    if vector == Vector.PF:
        return _fault(code, int(result["cr2"]))
    if vector:
        return f"{vector_name(vector)}, error code {code:#x}"
    cr2 = int(result["cr2"])
    return "no fault" + (f", but CR2 {cr2:#x}" if cr2 else "")


def pick_accesses(accesses: Accesses, which: Positions) -> Accesses:
    """Return some of these accesses."""
    return replace(
        accesses,
        entries=accesses.entries[which],
        vaddr=accesses.vaddr[which],
        write=accesses.write[which],
        fetch=accesses.fetch[which],
        user=accesses.user[which],
    )


def pick_outcomes(held: Outcomes, which: Positions) -> Outcomes:
    """Return some of these outcomes."""
    return Outcomes(
        code=held.code[which],
        paddr=held.paddr[which],
        certain=held.certain[which],
        open=held.open[which],
        level=held.level[which],
        reserved=held.reserved[which],
    )
