"""The QMP client, with a socket in QEMU's place."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ringbench.errors import QmpError, QmpTimeout
from ringbench.machine import Qmp

GREETING: dict[str, object] = {"QMP": {"version": {}, "capabilities": []}}


class Peer:
    """QEMU's end: sends what it is told, and keeps what it was asked."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.asked: list[dict[str, Any]] = []

    def send(self, *messages: object) -> None:
        self.end.sendall(b"".join(json.dumps(m).encode() + b"\r\n" for m in messages))

    def answer(self, *answers: dict[str, object]) -> threading.Thread:
        """Answer one request after the other, each with the request's id."""

        def run() -> None:
            with self.end.makefile("rb") as lines:
                for answer in answers:
                    request = json.loads(lines.readline())
                    self.asked.append(request)
                    self.send({**answer, "id": request["id"]})

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def pair() -> Iterator[tuple[Qmp, Peer]]:
    ours, theirs = socket.socketpair()
    qmp = Qmp(ours, 2.0)
    yield qmp, Peer(theirs)
    qmp.close()
    theirs.close()


def test_negotiation_and_command(pair: tuple[Qmp, Peer]) -> None:
    qmp, peer = pair
    peer.send(GREETING)
    thread = peer.answer({"return": {}}, {"return": {"status": "running"}}, {"return": "a\r\nb"})
    qmp.negotiate()
    assert qmp.status() == "running"
    assert qmp.hmp("info registers") == "a\nb"
    thread.join()
    assert [request["execute"] for request in peer.asked] == [
        "qmp_capabilities",
        "query-status",
        "human-monitor-command",
    ]
    assert peer.asked[2]["arguments"] == {"command-line": "info registers"}


def test_underscores_become_hyphens(pair: tuple[Qmp, Peer]) -> None:
    qmp, peer = pair
    thread = peer.answer({"return": None})
    qmp.command("x", cpu_index=1)
    thread.join()
    assert peer.asked[0]["arguments"] == {"cpu-index": 1}


def test_refusal_has_qemus_words(pair: tuple[Qmp, Peer]) -> None:
    qmp, peer = pair
    thread = peer.answer({"error": {"class": "GenericError", "desc": "no such thing"}})
    with pytest.raises(QmpError, match="refused 'x': no such thing"):
        qmp.command("x")
    thread.join()


def test_events_are_kept_and_told_once_as_new(pair: tuple[Qmp, Peer]) -> None:
    qmp, peer = pair
    peer.send({"event": "STOP"}, {"event": "SHUTDOWN", "data": {"reason": "guest-reset"}})
    thread = peer.answer({"return": 1})
    assert qmp.command("x") == 1
    thread.join()
    assert [event.name for event in qmp.poll()] == ["STOP", "SHUTDOWN"]
    assert qmp.poll() == ()
    assert qmp.events()[1].data == {"reason": "guest-reset"}


def test_silence_is_a_timeout() -> None:
    ours, theirs = socket.socketpair()
    qmp = Qmp(ours, 0.05)
    with pytest.raises(QmpTimeout, match=r"no answer|an answer to 'x' within 0.05 s"):
        qmp.command("x")
    with pytest.raises(QmpTimeout, match="greeting"):
        qmp.negotiate()
    qmp.close()
    theirs.close()


def test_late_answer_is_not_taken_for_the_next(pair: tuple[Qmp, Peer]) -> None:
    qmp, peer = pair
    peer.send({"return": "stale", "id": 0})
    thread = peer.answer({"return": "fresh"})
    assert qmp.command("x") == "fresh"
    thread.join()


def test_end_of_file(pair: tuple[Qmp, Peer]) -> None:
    qmp, peer = pair
    peer.end.close()
    with pytest.raises(QmpError, match="QEMU"):
        qmp.command("x")
    assert qmp.closed
    with pytest.raises(QmpError, match="not sent"):
        qmp.command("x")
