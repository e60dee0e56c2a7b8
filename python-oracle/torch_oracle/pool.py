"""The server's side of its workers: starting, asking, replacing them."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch_oracle.errors import OracleError
from torch_oracle.packing import unpack
from torch_oracle.stream import LENGTH

_ATTEMPTS = 2
_SECONDS_TO_STOP = 5
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class WorkerDied(Exception):
    """A worker's connection ended."""


class Worker:
    """One worker process. `hello` is what it said about itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.hello: dict[str, Any] = {}

    async def greet(self) -> None:
        """Waits until the process is ready.

        Raises:
            WorkerDied: it ended before.
        """
        self.hello = unpack(await self._read())

    async def ask(self, job: bytes) -> dict[str, Any]:
        """Sends a job and waits for its answer.

        Raises:
            WorkerDied: the process ended before it answered.
        """
        try:
            self._writer.writelines((LENGTH.pack(len(job)), job))
            await self._writer.drain()
        except OSError as error:
            raise WorkerDied from error
        return unpack(await self._read())

    async def _read(self) -> bytes:
        try:
            (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise WorkerDied from error

    def kill(self) -> None:
        """Ends the process, whatever it is doing. One that has ended already is left alone."""
        if not self._reader.at_eof() and self.hello:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.hello["pid"], signal.SIGKILL)
        self._writer.close()


class Nursery:
    """The process that forks workers; started when the first is needed, and again if it ends.

    Args:
        command: starts it; the descriptor of its control socket and our process id are appended.
        optimizers: a file with optimizers of the user's own, appended before them.
    """

    def __init__(
        self,
        command: Sequence[str] = (sys.executable, "-m", "torch_oracle.nursery"),
        optimizers: Path | None = None,
    ) -> None:
        self._command = (*command, *([] if optimizers is None else [str(optimizers)]))
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._workers: set[Worker] = set()

    async def worker(self, kind: bytes) -> Worker:
        """A new worker, ready for work.

        Raises:
            OracleError: INTERNAL, if it does not come up.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                await self._fork(kind, theirs)
            worker = Worker(*await asyncio.open_connection(sock=ours))
        except OSError as error:
            ours.close()
            raise OracleError("INTERNAL", f"no worker can be started: {error}") from error
        self._workers.add(worker)
        try:
            await worker.greet()
        except WorkerDied:
            self.bury(worker)
            raise OracleError("INTERNAL", "a worker ended while it started; the log says why") from None
        return worker

    async def _fork(self, kind: bytes, connection: socket.socket) -> None:
        """Has a worker forked that serves the connection."""
        async with self._starting:
            try:
                self._request(kind, connection)
            except OSError:  # there is no nursery, or no more
                await self.stop()
                await self._start()
                self._request(kind, connection)

    def _request(self, kind: bytes, connection: socket.socket) -> None:
        if self._control is None:
            raise ConnectionError("the nursery was not started")
        socket.send_fds(self._control, [kind], [connection.fileno()])

    def bury(self, worker: Worker) -> None:
        """Ends a worker that is not used any more."""
        self._workers.discard(worker)
        worker.kill()

    async def _start(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        package_root = str(Path(__file__).parent.parent)
        path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                str(theirs.fileno()),
                str(os.getpid()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # our standard output belongs to the caller
                env={**os.environ, **_ONE_THREAD, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path},
                start_new_session=True,  # an interrupt from the terminal is for the server alone
            )

    async def stop(self) -> None:
        """Ends the workers, and then the nursery, which reaps them."""
        for worker in list(self._workers):
            self.bury(worker)
        if self._control is not None:
            self._control.close()
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), _SECONDS_TO_STOP)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Pool:
    """Workers of one kind, and the jobs that wait for them."""

    def __init__(self, nursery: Nursery, kind: bytes, size: int) -> None:
        self._nursery = nursery
        self._kind = kind
        self._size = size
        self._jobs: asyncio.Queue[tuple[bytes, asyncio.Future[dict[str, Any]]]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> list[dict[str, Any]]:
        """Starts all workers; what each says about itself."""
        workers = await asyncio.gather(*(self._nursery.worker(self._kind) for _ in range(self._size)))
        self._tasks = [asyncio.create_task(self._serve(worker)) for worker in workers]
        return [worker.hello for worker in workers]

    async def run(self, job: bytes) -> dict[str, Any]:
        """The answer to a job.

        Raises:
            OracleError: QUARANTINED, if it ended two workers; INTERNAL, if no worker can be started.
        """
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        await self._jobs.put((job, answer))
        return await answer

    async def stop(self) -> None:
        """Takes no more jobs. The workers are the nursery's to end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, worker: Worker) -> None:
        """Answers jobs with one worker after another."""
        current: Worker | None = worker
        while True:
            job, answer = await self._jobs.get()
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    current = current or await self._nursery.worker(self._kind)
                    answer.set_result(await current.ask(job))
                    break
                except WorkerDied:
                    assert current is not None
                    print(f"worker {current.hello['pid']} ended while it ran a program", file=sys.stderr)
                    self._nursery.bury(current)
                    current = None
                    if attempt == _ATTEMPTS:
                        problem = f"the program ended its worker {_ATTEMPTS} times"
                        answer.set_exception(OracleError("QUARANTINED", problem))
                except OracleError as error:
                    answer.set_exception(error)
                    break
