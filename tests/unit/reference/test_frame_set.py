"""Sets of frames as edges of runs, against Python's sets."""

from hypothesis import given
from hypothesis import strategies as st

from ringbench.subjects.reference.model.frame_set import FrameSet

FRAMES = st.sets(st.integers(0, 60))
FIRST, COUNT = st.integers(0, 60), st.integers(1, 20)


@given(FRAMES)
def test_a_set_is_its_runs(frames: set[int]) -> None:
    made = FrameSet.of(frames)
    assert list(made.frames()) == sorted(frames)
    assert (made.count, bool(made), made.end) == (
        len(frames),
        bool(frames),
        max(frames, default=-1) + 1,
    )
    runs = list(made.runs())
    assert made.run_count == len(runs)
    assert all(first - 1 not in frames and first + n not in frames for first, n in runs)
    assert FrameSet.of_runs(reversed(runs)) == made
    assert FrameSet.of_runs([(frame, 1) for frame in frames] + [(3, 0)]) == made


@given(FRAMES, FIRST, COUNT)
def test_a_run_joins_and_leaves(frames: set[int], first: int, count: int) -> None:
    made, run = FrameSet.of(frames), set(range(first, first + count))
    assert made.has_all(first, count) == (run <= frames)
    assert made.has_any(first, count) == bool(run & frames)
    assert FrameSet.of(frames - run).with_run(first, count) == FrameSet.of(frames | run)
    assert FrameSet.of(frames | run).without_run(first, count) == FrameSet.of(frames - run)


@given(FRAMES, COUNT, st.sampled_from([1, 2, 3, 8, 64]))
def test_the_lowest_run(frames: set[int], count: int, step: int) -> None:
    fitting = (at for at in range(0, 64, step) if frames.issuperset(range(at, at + count)))
    assert FrameSet.of(frames).lowest_run(count, step) == next(fitting, None)


@given(FRAMES, st.integers(0, 61))
def test_the_lowest_frames(frames: set[int], count: int) -> None:
    count = min(count, len(frames))
    lowest, rest = FrameSet.of(frames).split_lowest(count)
    assert lowest == sorted(frames)[:count]
    assert rest == FrameSet.of(sorted(frames)[count:])


@given(st.sets(st.integers(0, 60), min_size=1), FIRST)
def test_the_run_past_a_frame(frames: set[int], frame: int) -> None:
    made = FrameSet.of(frames)
    frame = min(frame, made.end - 1)
    assert made.run_past(frame) == next(
        (first, count) for first, count in made.runs() if first + count > frame
    )
