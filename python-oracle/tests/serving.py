"""An oracle process for tests, and a caller that speaks to it over a real socket."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import zmq

from building import Building, readable
from torch_oracle.packing import pack, unpack

PATIENCE = 60.0  # seconds until a test gives up


class Caller:
    """A DEALER socket with these socket options."""

    def __init__(self, endpoint: str, **options: Any) -> None:
        self._context = zmq.Context()
        self.socket: Any = self._context.socket(zmq.DEALER)
        self.socket.linger = 0
        for name, value in options.items():
            setattr(self.socket, name, value)
        self.socket.connect(endpoint)

    def close(self) -> None:
        self._context.destroy(linger=0)

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, header: Any, frames: list[bytes] | None = None) -> None:
        self.socket.send_multipart([header if isinstance(header, bytes) else pack(header), *(frames or [])])

    def receive(self, seconds: float = PATIENCE) -> tuple[dict[str, Any], list[bytes]]:
        if not self.socket.poll(seconds * 1000):
            raise TimeoutError(f"no reply within {seconds} s")
        header, *frames = self.socket.recv_multipart()
        return unpack(header), frames

    def ask(self, header: Any, frames: list[bytes] | None = None) -> dict[str, Any]:
        self.send(header, frames)
        return self.receive()[0]

    def send_run(self, want: list[str], *programs: Building, id_: int = 1, **fields: Any) -> None:
        header = {
            "type": "run",
            "id": id_,
            "want": want,
            "programs": [each.program for each in programs],
            **fields,
        }
        self.send(header, [frame for each in programs for frame in each.frames])

    def results(self) -> list[dict[str, Any]]:
        """The results of the next reply, each `{kind: records}` or `{"failed": …}`."""
        header, frames = self.receive()
        assert header["type"] == "result", header
        results = []
        for result in header["results"]:
            if "failed" not in result:
                own = {}
                for kind, trace in result.items():
                    count = len(trace["tensors"])
                    own[kind], frames = readable(trace, frames[:count]), frames[count:]
                result = own
            results.append(result)
        assert not frames
        return results

    def run(self, want: list[str], *programs: Building, **fields: Any) -> list[dict[str, Any]]:
        self.send_run(want, *programs, **fields)
        return self.results()


class Oracle:
    """`python -m torch_oracle`, ready."""

    def __init__(self, *options: str) -> None:
        root = str(Path(__file__).parent.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "torch_oracle", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": root},
            text=True,
        )
        assert self.process.stdout is not None and self.process.stderr is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the oracle did not start: {self.process.stderr.read()}")
        self.ready = json.loads(line)
        self.endpoint = self.ready["endpoint"]

    def family(self) -> list[int]:
        """The process ids of the oracle and of what it started."""
        return [self.process.pid, *descendants(self.process.pid)]

    def stop(self) -> None:
        """Ends the oracle, if it has not ended, and closes the pipes."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def __enter__(self) -> "Oracle":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.stop()


def descendants(pid: int) -> list[int]:
    """The processes below one; none if it ends meanwhile."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [found for child in map(int, children) for found in (child, *descendants(child))]


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """What the condition gives as soon as that is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.02)
    raise TimeoutError(f"waited {PATIENCE} s for {what}")
