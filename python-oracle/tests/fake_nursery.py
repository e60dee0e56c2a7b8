"""A nursery whose workers know no torch: they do what the job says. Run like torch_oracle.nursery."""

import os
import socket
import sys
import time
from types import ModuleType
from typing import Any

from torch_oracle import nursery
from torch_oracle.stream import receive, send


def serve(connection: socket.socket, native: bool) -> None:
    if os.environ.get("FAKE_WORKERS") == "stillborn":
        os._exit(1)
    with connection.makefile("rwb") as stream:
        send(stream, {"pid": os.getpid(), "native": native})
        while (job := receive(stream)) is not None:
            send(stream, obey(job))


def obey(job: dict[str, Any]) -> dict[str, Any]:
    match job:
        case {"do": "die"}:
            os._exit(1)
        case {"do": "die once", "file": file}:
            if not os.path.exists(file):
                open(file, "x").close()
                os._exit(1)
        case {"do": "sleep", "seconds": seconds}:
            time.sleep(seconds)
    return {"pid": os.getpid(), "job": job}


module: Any = ModuleType("torch_oracle.worker")
module.serve = serve
sys.modules["torch_oracle.worker"] = module
nursery.die_with(int(sys.argv[2]))
nursery.main(socket.socket(fileno=int(sys.argv[1])))
