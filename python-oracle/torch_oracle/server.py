"""The service: a ROUTER socket in front of the workers. It never imports torch, so it always answers."""

import asyncio
import sys
import traceback
from collections.abc import Callable
from typing import Any

import zmq.asyncio

from torch_oracle import PROTOCOL, limits
from torch_oracle.errors import OracleError
from torch_oracle.packing import pack
from torch_oracle.pool import Pool
from torch_oracle.wire import Bye, Files, Hello, Job, Run, header_id, message, read_header, read_request


class Server:
    """Answers requests on a bound socket.

    Args:
        ieee: runs the kinds exact, foreach and truth, and answers about files.
        native: runs the kind torch.
        hello: what the handshake says, apart from the protocol's own fields.
        on_bye: called when a caller's bye has been answered.
    """

    def __init__(
        self,
        router: zmq.asyncio.Socket,
        ieee: Pool,
        native: Pool,
        hello: dict[str, Any],
        on_bye: Callable[[], object],
    ) -> None:
        self._router = router
        self._ieee = ieee
        self._native = native
        self._hello = hello
        self._slots = asyncio.Semaphore(limits.REQUESTS_IN_FLIGHT)
        self._on_bye = on_bye

    async def serve(self) -> None:
        """Answers until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._slots.acquire()
                caller, *frames = await self._router.recv_multipart()
                tasks.create_task(self._handle(caller, frames))

    async def _handle(self, caller: bytes, frames: list[bytes]) -> None:
        number = request = None
        try:
            header = read_header(frames)
            number = header_id(header)
            request = read_request(header, frames[1:])
            reply = await self._reply(number, request)
        except OracleError as error:
            reply = message({"type": "error", "id": number, **error.fields()})
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            problem = f"{type(error).__name__}: {error}"
            reply = message({"type": "error", "id": number, "code": "INTERNAL", "message": problem})
        finally:
            self._slots.release()
        await self._router.send_multipart([caller, *reply])  # dropped where the caller has gone
        if isinstance(request, Bye):
            self._on_bye()

    async def _reply(self, number: int, request: Hello | Bye | Run | Files) -> list[bytes]:
        match request:
            case Hello():
                return message({"type": "hello", "id": number, "protocol": PROTOCOL, **self._hello})
            case Bye():
                return message({"type": "bye", "id": number})
            case Run(want, profile, jobs):
                answers = await asyncio.gather(*(self._run(job, want, profile) for job in jobs))
                results = [result for result, _ in answers]
                frames = [frame for _, own in answers for frame in own]
                return message({"type": "result", "id": number, "results": results}, frames)
            case Files(task, shared, items):
                answers = await asyncio.gather(*(self._file(task, shared, *item) for item in items))
                results = [result for result, _ in answers]
                frames = [frame for _, own in answers for frame in own]
                return message({"type": f"{task} result", "id": number, "results": results}, frames)

    async def _run(
        self, job: Job, want: list[str], profile: dict[str, Any]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """The result of one program, and its frames."""
        shares = (
            (self._ieee, [kind for kind in want if kind != "torch"]),
            (self._native, [kind for kind in want if kind == "torch"]),
        )
        content = {"task": "run", "program": job.program, "frames": job.frames, "profile": profile}
        try:
            answers = await asyncio.gather(
                *(pool.run(pack({**content, "want": share})) for pool, share in shares if share)
            )
        except OracleError as error:
            return {"failed": error.fields()}, []
        traces: dict[str, Any] = {}
        for answer in answers:
            if "failed" in answer:
                return {"failed": answer["failed"]}, []
            traces |= answer["traces"]
        return (
            {kind: traces[kind][0] for kind in want},
            [frame for kind in want for frame in traces[kind][1]],
        )

    async def _file(
        self, task: str, shared: dict[str, Any], item: dict[str, Any], frames: list[bytes]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """The result of one item of a `save` or `load`, and its frames."""
        try:
            answer = await self._ieee.run(pack({"task": task, **shared, "item": item, "frames": frames}))
        except OracleError as error:
            return {"failed": error.fields()}, []
        if "failed" in answer:
            return {"failed": answer["failed"]}, []
        return answer["answer"]
