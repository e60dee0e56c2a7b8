"""A worker's answers, and its end."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from building import Building
from torch_oracle import worker
from torch_oracle.stream import receive, send


def job(*want: str, steps: int = 1) -> dict[str, Any]:
    building = Building()
    grad = building.tensor([1.0])
    building.param([1.0])
    for _ in range(steps):
        building.do("grad", param=0, tensor=grad).do("step")
    content = {"program": building.program, "frames": building.frames}
    return {"task": "run", **content, "want": list(want), "profile": {}}


def test_an_answer_holds_what_was_wanted_alone() -> None:
    assert worker._answer(job("exact", "truth"))["traces"].keys() == {"exact", "truth"}


def test_a_fault_of_ours_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(worker, "run_kind", broken)
    answer = worker._answer(job("exact"))
    assert answer == {"failed": {"code": "INTERNAL", "message": "ZeroDivisionError: a fault"}}
    assert "Traceback" in capfd.readouterr().err


def test_a_program_that_hangs_ends_its_worker() -> None:
    ours, theirs = socket.socketpair()
    script = (
        "import socket, sys; from torch_oracle import worker; worker.JOB_SECONDS = 1;"
        "worker.serve(socket.socket(fileno=int(sys.argv[1])), native=False)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-c", script, str(theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment) as process:
        theirs.close()
        with ours, ours.makefile("rwb") as stream:
            assert receive(stream)["pid"] == process.pid
            send(stream, job("exact", steps=100_000))
            assert receive(stream) is None
        assert process.wait() == -signal.SIGALRM
