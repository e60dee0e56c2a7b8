"""The nursery: a process that has imported torch, computed nothing, and forks a worker when it is asked to.

So a worker is there in milliseconds, all share one copy of torch in memory, and each still chooses its own
CPU capability, which torch fixes at its first computation. Run as `python -m torch_oracle.nursery FD PARENT`,
or with a file before them that defines optimizers of the user's own (own.py).
"""

import contextlib
import ctypes
import os
import signal
import socket
import sys
import traceback
from collections.abc import Sequence

NATIVE, IEEE = b"native", b"ieee"


def main(control: socket.socket, files: Sequence[str] = ()) -> None:
    """Forks a worker for each message, on the connection that comes with it, until the socket ends."""
    from torch_oracle import own, worker

    for file in files:
        own.add_optimizers(file)
    if len(os.listdir("/proc/self/task")) > 1:
        print("importing torch started threads; a worker may hang, since a fork drops them", file=sys.stderr)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps the workers
    nursery = os.getpid()
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 16, 1)
        if not request:
            break
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            die_with(nursery)
            try:
                worker.serve(socket.socket(fileno=descriptors[0]), native=request == NATIVE)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(descriptors[0])
    with contextlib.suppress(ChildProcessError):
        os.wait()  # until the last worker has ended, so that none is left to others to reap


def die_with(parent: int) -> None:
    """Has the system kill this process when its parent ends, however that ends."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    *files, descriptor, parent = sys.argv[1:]
    die_with(int(parent))
    try:
        import torch._dynamo  # noqa: F401  torch's optimizers import it at their first use, which is slow
    except ImportError:
        pass
    main(socket.socket(fileno=int(descriptor)), files)
    os._exit(0)  # without the half second that torch takes to tear itself down
