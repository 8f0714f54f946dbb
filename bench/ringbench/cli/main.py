"""The command `ringbench`: how it begins, and how it ends, whatever happens in between.

Exit status: 0 all match; 1 a mismatch, and nothing else; 2 usage or configuration; 3 everything
that kept the bench from saying either: the machine could not start, died or hung, a result could
not be written, Ctrl-C or SIGTERM, an error of the bench itself; 141 nobody reads the output.

Nothing heavy is imported before signals are taken care of.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

EXIT_USAGE = 2
EXIT_FAILURE = 3

SHORTAGES = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
)
"""What a full disk and exhausted limits say, wherever in the work they are met."""

LEAST_MEMORY = 192 << 20
"""Bytes of address space in which the modules of every command find room."""


HOLD_OFF = 0.5
"""Seconds in which signals count as one."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came.

    Not KeyboardInterrupt itself: Python notes where that one passes through `exec`, as it does when
    a dataclass is being made, and kills its process by SIGINT at the end, whoever caught it.
    """


class Terminated(BaseException):
    """SIGTERM came: unwinds as KeyboardInterrupt does for Ctrl-C."""


def main() -> None:
    """Run the command line and exit."""
    try:
        stop = _stop_once()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, stop)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, stop)
        sys.unraisablehook = _raise_later(sys.unraisablehook)
        from ringbench import streams

        output = streams.take_over()
        _mend_environment()
        status = run(sys.argv[1:]) if _has_memory() else EXIT_FAILURE
        _ignore_signals()
        output.forgiving = True  # what failed has been said; exit says nothing of its own
    except (KeyboardInterrupt, Terminated) as stop:
        _ignore_signals()
        how = "terminated" if isinstance(stop, Terminated) else "interrupted"
        with suppress(OSError, AttributeError):  # so early that errors may have no place to go
            sys.stderr.write(f"ringbench: {how}; the machine was ended and nothing is left\n")
        status = EXIT_FAILURE
    except Exception as error:  # noqa: BLE001 - before anything could begin
        _say_unexpected(error, debug=True)
        status = EXIT_FAILURE
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Perform a command line: turn every failure into one message, return the exit status.

    Raises:
        KeyboardInterrupt, Terminated: Ctrl-C or SIGTERM came; all is cleared away.
    """
    settings: dict[str, bool] = {}
    try:
        return _run(arguments, settings)
    except Exception as error:  # noqa: BLE001 - any that is left is a mistake of the bench
        _say_unexpected(error, debug=settings.get("debug", False))
        return EXIT_FAILURE


def _run(arguments: list[str], settings: dict[str, bool]) -> int:
    import click

    from ringbench.cli.commands import Escaped, cli
    from ringbench.errors import OutputClosed, RingbenchError

    try:
        try:
            status = cli.main(arguments, "ringbench", standalone_mode=False, obj=settings)
        except Escaped as escaped:
            raise escaped.error from escaped.error.__cause__
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except click.Abort:
        raise KeyboardInterrupt from None
    except OutputClosed as closed:
        return closed.exit_code
    except RingbenchError as error:
        click.echo(f"ringbench: error: {error}", err=True)
        details = getattr(error, "details", str)()
        if details:
            click.echo(details, err=True)
        return error.exit_code
    except OSError as error:
        if error.errno not in SHORTAGES:
            raise
        where = "" if error.filename is None else f": {error.filename}"
        hint = "look at TMPDIR's disk and at the limits of this shell (ulimit -a)"
        click.echo(f"ringbench: error: {error.strerror}{where}; {hint}", err=True)
        return EXIT_FAILURE
    return status if isinstance(status, int) else 0


def _say_unexpected(error: Exception, *, debug: bool) -> None:
    try:
        from ringbench.cli.unexpected import say_unexpected

        say_unexpected(error, debug=debug)
    except Exception:  # noqa: BLE001 - no memory for anything, most likely
        with suppress(Exception):
            sys.stderr.write(f"ringbench: unexpected error: {type(error).__name__}\n")


def _stop_once() -> Callable[[int, FrameType | None], None]:
    """Return what a signal does: it stops the command, unless one has just done so.

    Signals in a burst would otherwise hit what clears away after the first of them. One that comes
    later, when clearing away hangs, counts again.
    """
    last = -HOLD_OFF

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= HOLD_OFF:
            last = now
            raise Interrupted if number == signal.SIGINT else Terminated

    return stop


def _raise_later(
    say: Callable[[sys.UnraisableHookArgs], object],
) -> Callable[[sys.UnraisableHookArgs], None]:
    """Return what Python does with an exception that it cannot raise: a stop comes again.

    A signal can arrive inside a callback (a finalizer, or one of the import lock's), where Python
    drops whatever is raised and goes on. The alarm raises it again a moment later, elsewhere.
    """

    def hook(lost: sys.UnraisableHookArgs) -> None:
        stop = lost.exc_type
        if not issubclass(stop, (Interrupted, Terminated)):
            say(lost)
            return

        def again(number: int, frame: FrameType | None) -> None:
            raise stop

        signal.signal(signal.SIGALRM, again)
        signal.setitimer(signal.ITIMER_REAL, 0.02)

    return hook


def _ignore_signals() -> None:
    """From here on the end is near, and one more Ctrl-C would only tear a hole in it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def _has_memory() -> bool:
    """Whether limits allow what every command needs; OpenBLAS, of numpy, exits with 1 if not."""
    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    least = min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=None)
    if least is None or least >= LEAST_MEMORY:
        return True
    sys.stderr.write(
        f"ringbench: error: memory is limited to {least >> 20} MiB (ulimit -v, ulimit -d); "
        f"{LEAST_MEMORY >> 20} MiB are needed\n"
    )
    return False


def _mend_environment() -> None:
    """Forget a width of the terminal that is none, which rich would believe; spare memory.

    Nothing here is linear algebra, for which numpy would keep a thread per processor.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    columns = os.environ.get("COLUMNS", "")
    if columns and not (columns.isascii() and columns.isdigit() and 0 < int(columns[:6]) < 10_000):
        del os.environ["COLUMNS"]


if __name__ == "__main__":
    main()
