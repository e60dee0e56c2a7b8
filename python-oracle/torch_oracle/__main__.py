"""The command: `python -m torch_oracle --bind tcp://127.0.0.1:0`."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq.asyncio

from torch_oracle.endpoint import bind, check_endpoint, open_router, secure
from torch_oracle.errors import OracleError
from torch_oracle.form import DTYPES
from torch_oracle.nursery import IEEE, NATIVE
from torch_oracle.pool import Nursery, Pool
from torch_oracle.server import Server


def main() -> int:
    arguments = _parse()
    try:
        asyncio.run(_serve(arguments))
    except (OracleError, ValueError) as error:
        print(f"torch_oracle: {error}", file=sys.stderr)
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m torch_oracle",
        description="Runs programs with torch.optim for callers that speak conformance/PROTOCOL.md. "
        "Prints one line of JSON with its endpoint when it is ready.",
    )
    parser.add_argument(
        "--bind", default="tcp://127.0.0.1:0", metavar="ENDPOINT", help="default: %(default)s"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=max(1, len(os.sched_getaffinity(0)) - 1),
        metavar="N",
        help="processes beside the one for torch as it is; default: the cores less one, %(default)s",
    )
    parser.add_argument(
        "--optimizers", type=Path, metavar="FILE", help="a Python file with optimizers of your own; it is run"
    )
    parser.add_argument("--stop-on-bye", action="store_true", help="stop when a caller says bye")
    parser.add_argument("--stop-on-eof", action="store_true", help="stop when standard input ends")
    parser.add_argument(
        "--curve-server-secret-key-file", type=Path, metavar="FILE", help="this service's key pair"
    )
    parser.add_argument(
        "--curve-allowed-keys-dir", type=Path, metavar="DIR", help="public keys of the callers"
    )
    arguments = parser.parse_args()
    if arguments.workers < 1:
        parser.error("--workers must be at least 1")
    if arguments.optimizers is not None and not arguments.optimizers.is_file():
        parser.error(f"--optimizers: there is no file {arguments.optimizers}")
    keys = (arguments.curve_server_secret_key_file, arguments.curve_allowed_keys_dir)
    if (keys[0] is None) != (keys[1] is None):
        parser.error("--curve-server-secret-key-file and --curve-allowed-keys-dir go together")
    try:
        check_endpoint(arguments.bind, secure=keys[0] is not None)
    except ValueError as error:
        parser.error(str(error))
    return arguments


async def _serve(arguments: argparse.Namespace) -> None:
    """Serves until a signal, the end of input or a bye stops it, as far as those were asked for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if arguments.stop_on_eof:
        _at_end_of_input(lambda: loop.call_soon_threadsafe(stop.set))
    service = asyncio.create_task(_service(arguments, stop))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((service, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    service.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await service


async def _service(arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    """Starts everything and answers until it is cancelled; then ends what it started, last things first."""
    async with contextlib.AsyncExitStack() as stack:
        context = zmq.asyncio.Context()
        stack.callback(context.term)
        router = stack.enter_context(open_router(context))
        if arguments.curve_server_secret_key_file is not None:
            keys = arguments.curve_server_secret_key_file, arguments.curve_allowed_keys_dir
            stack.callback(secure(router, context, *keys).stop)
        endpoint = bind(router, arguments.bind)
        nursery = Nursery(optimizers=arguments.optimizers)
        stack.push_async_callback(nursery.stop)
        ieee, native = Pool(nursery, IEEE, arguments.workers), Pool(nursery, NATIVE, 1)
        stack.push_async_callback(ieee.stop)
        stack.push_async_callback(native.stop)
        hello = _handshake(*await asyncio.gather(ieee.start(), native.start()))
        server = Server(router, ieee, native, hello, stop.set if arguments.stop_on_bye else lambda: None)
        print(json.dumps({"endpoint": endpoint, "torch": hello["torch"]}), flush=True)
        await server.serve()


def _handshake(hellos: list[dict[str, Any]], native_hellos: list[dict[str, Any]]) -> dict[str, Any]:
    native = native_hellos[0]
    checks = {name: all(hello["checks"][name] for hello in hellos) for name in hellos[0]["checks"]}
    return {
        **{key: native[key] for key in ("torch", "python", "numpy", "capability", "device", "threads")},
        "workers": len(hellos),
        "exact": [dtype for dtype in DTYPES if _is_proven(dtype, checks)],
        "checks": checks,
        "optimizers": native["optimizers"],
        "catalogue": native["catalogue"],
    }


def _is_proven(dtype: str, checks: dict[str, bool]) -> bool:
    return all(proven for name, proven in checks.items() if name.endswith(f".{dtype}"))


def _at_end_of_input(then: Callable[[], Any]) -> None:
    def read() -> None:
        with contextlib.suppress(OSError):  # standard input may be closed from the start
            while os.read(0, 4096):
                pass
        then()

    threading.Thread(target=read, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
