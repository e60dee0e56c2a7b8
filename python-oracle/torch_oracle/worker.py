"""A worker: a process with one thread that runs one program after another.

It ends when its connection does, and when a program takes longer than the limit.
"""

import os
import platform
import signal
import socket
import sys
import traceback
from typing import Any

import numpy as np
import torch

from torch_oracle import exchange
from torch_oracle.catalogue import CATALOGUE
from torch_oracle.checks import self_check
from torch_oracle.errors import OracleError
from torch_oracle.form import check_program
from torch_oracle.kinds import run_kind
from torch_oracle.limits import JOB_SECONDS
from torch_oracle.programs import OPTIMIZERS
from torch_oracle.stream import receive, send


def serve(connection: socket.socket, native: bool) -> None:
    """Answers jobs until the connection ends.

    Args:
        native: computes as torch does on this machine; otherwise in IEEE arithmetic without FMA.
    """
    if native:
        os.environ.pop("ATEN_CPU_CAPABILITY", None)
    else:
        os.environ["ATEN_CPU_CAPABILITY"] = "default"
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.set_warn_always(True)  # otherwise a warning's place depends on what this process ran before
    torch.sqrt(torch.ones(1 << 20))  # the first root on several threads may be wrong (pytorch#188792)
    with connection.makefile("rwb") as stream:
        send(stream, _hello(native))
        while (job := receive(stream)) is not None:
            signal.alarm(JOB_SECONDS)  # SIGALRM, not handled, ends the process wherever it hangs
            answer = _answer(job)
            signal.alarm(0)
            send(stream, answer)


def _hello(native: bool) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "checks": {} if native else self_check(),
        "optimizers": sorted(OPTIMIZERS),
        "catalogue": list(CATALOGUE),
    }


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    """What a job's task comes to, or why it failed."""
    try:
        return _TASKS[job["task"]](job)
    except OracleError as error:
        return {"failed": error.fields()}
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return {"failed": {"code": "INTERNAL", "message": f"{type(error).__name__}: {error}"}}


def _run(job: dict[str, Any]) -> dict[str, Any]:
    """The traces of a program, each `[header, frames]`, by kind."""
    check_program(job["program"], OPTIMIZERS)
    traces = {kind: run_kind(kind, job["program"], job["frames"], job["profile"]) for kind in job["want"]}
    return {"traces": {kind: [trace.header, trace.frames] for kind, trace in traces.items()}}


def _save(job: dict[str, Any]) -> dict[str, Any]:
    return {"answer": exchange.save(job["item"], job["format"], job["frames"])}


def _load(job: dict[str, Any]) -> dict[str, Any]:
    return {"answer": exchange.load(job["item"], job["frames"][0])}


_TASKS = {"run": _run, "save": _save, "load": _load}
