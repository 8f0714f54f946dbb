"""Child processes that cannot outlive the bench, however the bench dies.

A `Guard` is a tiny shell that waits for the end of a pipe whose other end only the bench has.
The end comes when the bench closes it or is gone - by exception, by SIGKILL, by anything - and
then the guard removes the private folder and kills its whole process group, which QEMU and gdb
have joined. Why this and not the usual PR_SET_PDEATHSIG:

- that signal is bound to the *thread* that started the child, and kills a guest when a worker
  thread ends; and it is lost if the parent dies before the child has asked for it;
- a child copies the pipe's end at fork and drops it at exec, after it has joined the group: so
  the guard cannot see the end too early, and there is no moment in which a child is unguarded;
- the guard also clears the folder, which no signal does.

A folder that no child works in has a guard as well (`ringbench.machine.folder`).

It costs one ``sh`` and about a millisecond. A process group of their own also keeps the
terminal's Ctrl-C from QEMU and gdb: it is for the bench, which ends them in order.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from ringbench.errors import StartError
from ringbench.machine.deadline import Deadline

_GUARD_SCRIPT = """
read -r _
rm -rf -- "$1"
# A QEMU that starts just then may make a file that rm does not see: then it is ended first, by
# somebody outside the group.
[ ! -e "$1" ] || setsid sh -c 'kill -s KILL -- "-$1"; rm -rf -- "$2"' ringbench-guard $$ "$1"
kill -s KILL -- -$$
"""


class Guard:
    """Ends every process of its group, and removes `folder`, as soon as the bench is gone."""

    def __init__(self, folder: Path) -> None:
        reading, self._pipe = os.pipe()
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD_SCRIPT, "ringbench-guard", str(folder)],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(reading)

    @property
    def group(self) -> int:
        """Process group that children join."""
        return self._shell.pid

    def close(self) -> None:
        """Have the guard do its work now, and wait for it."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        self._shell.wait()


class Process:
    """One child in the guard's group, its output in a file; `name` is for messages."""

    def __init__(self, name: str, child: subprocess.Popen[bytes], output: Path) -> None:
        self.name = name
        self.output = output
        self._child = child

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        guard: Guard,
        output: Path,
        *,
        piped: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Process:
        """Start `command`; what it prints goes to the file `output`.

        With `piped`, standard input and output are pipes and only its errors go to the file.

        Raises:
            StartError: the program is missing or cannot be run.
        """
        program = shutil.which(command[0])
        if program is None:
            raise StartError(
                f"{name} cannot be started: there is no program {command[0]!r}; install it, or "
                f"correct machine.{name} in the configuration"
            )
        with output.open("wb") as sink:
            try:
                child = subprocess.Popen(
                    [program, *command[1:]],
                    stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if piped else sink,
                    stderr=sink,
                    bufsize=0,
                    process_group=guard.group,
                    pass_fds=pass_fds,
                )
            except OSError as error:
                raise StartError(f"{name} cannot be started: {program}: {error.strerror}") from None
        return cls(name, child, output)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    @property
    def stdin(self) -> IO[bytes]:
        """Pipe to the child, if it was started `piped`."""
        assert self._child.stdin is not None
        return self._child.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """Pipe from the child, if it was started `piped`."""
        assert self._child.stdout is not None
        return self._child.stdout

    def exit_status(self) -> int | None:
        """Return None while it runs, its exit status, or minus the signal that killed it."""
        return self._child.poll()

    @property
    def stopped(self) -> bool:
        """Whether it is stopped: by SIGSTOP, by a terminal, by a debugger."""
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return text.rpartition(")")[2].split()[0] in ("T", "t")

    def wait(self, deadline: Deadline) -> int | None:
        """Wait for the end; None if it has not come by then."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._child.wait(deadline.remaining())
        return None

    def said(self, limit: int = 2000) -> str:
        """Return the end of what it printed, at most `limit` bytes."""
        try:
            return self.output.read_bytes()[-limit:].decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def stop(self, seconds: float, ask: Callable[[], None] | None = None) -> None:
        """End the process: `ask` it, then SIGTERM, then SIGKILL, each given a third of the time.

        SIGKILL cannot be refused, so this always succeeds; it waits for the process to be gone.
        """
        for request in (ask, self._child.terminate):
            if request is not None and self.exit_status() is None:
                request()
                self.wait(Deadline(seconds / 3))
        self.kill()

    def kill(self) -> None:
        """End the process at once, and wait until it is gone."""
        if self.exit_status() is None:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def describe_exit(status: int) -> str:
    """Return an exit status in words: "exit status 1", "killed by SIGKILL"."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
