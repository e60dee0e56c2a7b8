"""The service over real sockets."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
import zmq.auth

from building import Building
from serving import PATIENCE, Caller, Oracle, alive, descendants, processor_seconds, wait_until
from torch_oracle import limits
from torch_oracle.packing import pack


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle("--workers", "1") as started:
        yield started


@pytest.fixture
def caller(oracle: Oracle) -> Iterator[Caller]:
    with Caller(oracle.endpoint) as connected:
        yield connected


def program(seed: int = 0, steps: int = 2, **options: Any) -> Building:
    building = Building(**{"weight_decay": 0.1, **options})
    random = np.random.default_rng(seed)
    building.param(random.standard_normal((2, 3)))
    building.param(random.standard_normal(()))
    for _ in range(steps):
        building.step(random.standard_normal((2, 3)), random.standard_normal(()))
    return building


HELLO = {"type": "hello", "id": 7, "protocol": 1}


def test_ready_line_and_handshake(oracle: Oracle, caller: Caller) -> None:
    hello = caller.ask(HELLO)
    assert (hello["type"], hello["id"], hello["protocol"]) == ("hello", 7, 1)
    assert hello["torch"] == torch.__version__ == oracle.ready["torch"]
    assert (hello["numpy"], hello["device"], hello["threads"], hello["workers"]) == (
        np.__version__,
        "cpu",
        1,
        1,
    )
    assert hello["exact"] == ["float16", "bfloat16", "float32", "float64", "complex64"]
    assert len(hello["checks"]) == 74 and all(hello["checks"].values())
    assert {"Adadelta", "SGD"} <= set(hello["optimizers"]) and "Optimizer" not in hello["optimizers"]
    assert oracle.endpoint.startswith("tcp://127.0.0.1:")


def test_a_batch_is_answered_in_order_with_what_was_wanted(caller: Caller) -> None:
    programs = [program(seed) for seed in range(10)]
    for want in (["exact"], ["torch"], ["truth", "exact"], ["foreach", "truth", "torch", "exact"]):
        results = caller.run(want, *programs)
        assert [sorted(result) for result in results] == [sorted(want)] * 10
        for result, building in zip(results, programs, strict=True):
            for kind in set(want) - {
                "torch"
            }:  # here torch would run under the tests' capability, not the machine's
                assert repr(result[kind]) == repr(building.run(kind))
    assert caller.run(["exact"]) == []


def test_torch_runs_as_it_is_on_this_machine(caller: Caller) -> None:
    flags = Path("/proc/cpuinfo").read_text().split()
    assert (caller.ask(HELLO)["capability"] != torch.backends.cpu.get_cpu_capability()) == ("avx2" in flags)


def test_the_profile_reaches_the_bound(caller: Caller) -> None:
    building = program()
    narrow, wide = (
        caller.run(["truth"], building, profile={"root": root, "flush": False})[0]["truth"][-1]["bounds"]
        for root in (1, 4.5)
    )
    assert (wide["state"][0]["acc_delta"] > narrow["state"][0]["acc_delta"]).all()


def test_a_program_that_fails_stands_in_its_place(caller: Caller) -> None:
    bad, unknown, sparse = program(), program(), Building("SGD", lr=1.0, momentum=0.5)
    bad.program["optimizer"] = "Optimizer"
    unknown.do("load", from_="nothing", edits=[])
    sparse.param([1.0])
    sparse.do("sparseGrad", param=0).do("step")
    results = caller.run(["exact", "torch"], program(), bad, unknown, sparse, program(1))
    assert [result.get("failed", {}).get("code") for result in results] == [
        None,
        "BAD_PROGRAM",
        "BAD_PROGRAM",
        "UNSUPPORTED",
        None,
    ]
    assert results[1]["failed"]["message"].startswith("optimizer: must be one of ")
    assert results[2]["failed"]["message"].startswith("commands[6]: from: ")


def test_requests_are_answered_while_others_run(caller: Caller) -> None:
    caller.send_run(["exact"], slow(300), id_=1)
    caller.send({**HELLO, "id": 2})
    assert [caller.receive()[0]["id"] for _ in range(2)] == [2, 1]


def rests(pid: int) -> bool:
    """Whether a process uses no processor time for a while."""
    before = processor_seconds(pid)
    time.sleep(0.5)
    return processor_seconds(pid) == before


def test_no_reply_is_lost_when_the_caller_reads_late(oracle: Oracle) -> None:
    with Caller(oracle.endpoint, sndhwm=0, rcvhwm=1, rcvbuf=4096) as caller:
        for number in range(8000):
            caller.send({**HELLO, "id": number})
        wait_until(lambda: rests(oracle.process.pid), "the oracle to have answered")
        assert sorted(caller.receive()[0]["id"] for _ in range(8000)) == list(range(8000))


RUN = {"type": "run", "id": 7, "want": ["exact"], "programs": []}
ENTRY = {"dtype": "float32", "shape": [2]}


def run_with(*programs: Any, **fields: Any) -> bytes:
    return pack({**RUN, "programs": list(programs), **fields})


def deep(levels: int) -> bytes:
    return b"\x81\xa4type" + b"\x91" * levels + b"\xc0"


STORED = {"value": None, "tensors": [], "storages": [4]}


def save_with(*items: Any, format: str = "pt") -> bytes:
    return pack({"type": "save", "id": 7, "format": format, "items": list(items)})


HOSTILE: list[tuple[list[bytes], str, str]] = [
    ([b""], "MALFORMED", "DEALER"),
    ([b"", pack(HELLO)], "MALFORMED", "DEALER"),
    ([b"\xc1"], "MALFORMED", "not msgpack"),
    ([pack(HELLO)[:-1]], "MALFORMED", "not msgpack"),
    ([pack(HELLO) + b"\x00"], "MALFORMED", "not msgpack"),
    ([os.urandom(64).replace(b"\x80", b"\xc1")], "MALFORMED", ""),
    ([b"\xdf\xff\xff\xff\xff"], "MALFORMED", "not msgpack"),
    ([b"\xdd\xff\xff\xff\xff"], "MALFORMED", "not msgpack"),
    ([b"\x81\xa4type\xa2\xff\xfe"], "MALFORMED", "not msgpack"),
    ([b"\x81\x01\x02"], "MALFORMED", "not msgpack"),
    ([pack([1])], "MALFORMED", "must be a map"),
    ([pack("hello")], "MALFORMED", "must be a map"),
    ([pack({})], "MALFORMED", "id: must be"),
    ([pack({**HELLO, "id": -1})], "MALFORMED", "id: must be"),
    ([pack({**HELLO, "id": 1 << 32})], "MALFORMED", "id: must be"),
    ([pack({**HELLO, "id": True})], "MALFORMED", "id: must be"),
    ([pack({**HELLO, "id": "1"})], "MALFORMED", "id: must be"),
    ([pack({**HELLO, "type": "eval"})], "UNKNOWN_TYPE", "must be hello, run, save, load or bye"),
    ([pack({**HELLO, "type": ["run"]})], "UNKNOWN_TYPE", "must be hello, run, save, load or bye"),
    ([pack({**HELLO, "type": msgpack.ExtType(4, b"x")})], "UNKNOWN_TYPE", "must be hello"),
    ([pack({**HELLO, "protocol": 2})], "VERSION", "speaks protocol 1"),
    ([pack({"type": "hello", "id": 7})], "MALFORMED", "lacks protocol"),
    ([pack({**HELLO, b"x": 1})], "MALFORMED", "unknown fields"),
    ([pack(HELLO), b"frame"], "MALFORMED", "0 tensors, but 1 frames"),
    ([deep(500)], "TOO_DEEP", "nested deeper"),
    ([deep(5000)], "TOO_DEEP", "nested deeper"),
    ([deep(1_000_000)], "TOO_DEEP", "nested deeper"),
    ([bytes(limits.MAX_HEADER_BYTES + 1)], "TOO_LARGE", "a header of"),
    ([run_with()] + [b""] * limits.MAX_FRAMES, "TOO_LARGE", "frames"),
    ([pack({"type": "run", "id": 7})], "MALFORMED", "lacks programs, want"),
    ([run_with(want=[])], "MALFORMED", "want: must be"),
    ([run_with(want="exact")], "MALFORMED", "want: must be"),
    ([run_with(want=[["exact"]])], "MALFORMED", "want: must be"),
    ([run_with(profile={"root": "2"})], "MALFORMED", "profile.root: must be"),
    ([run_with(profile={"root": float("nan")})], "MALFORMED", "profile.root: must be"),
    ([run_with(profile={"flush": 1})], "MALFORMED", "profile.flush: must be"),
    ([run_with(profile={"sqrt": 1})], "MALFORMED", "profile: must be"),
    ([pack({**RUN, "programs": {"0": {}}})], "MALFORMED", "programs: must be a list"),
    ([run_with(1)], "MALFORMED", "programs[0]: must be an object"),
    ([run_with({})], "MALFORMED", "programs[0].tensors: must be a list"),
    ([run_with({"tensors": [{"dtype": "float32"}]})], "MALFORMED", "programs[0].tensors[0]: lacks 'shape'"),
    (
        [run_with({"tensors": [{**ENTRY, "shape": [-2]}]}), b""],
        "MALFORMED",
        "programs[0].tensors[0].shape[0]",
    ),
    ([run_with({"tensors": [{**ENTRY, "dtype": "object"}]}), b""], "MALFORMED", "tensors[0].dtype: must be"),
    ([run_with({"tensors": [ENTRY]})], "MALFORMED", "1 tensors, but 0 frames"),
    ([run_with({"tensors": [ENTRY]}), bytes(8), bytes(8)], "MALFORMED", "1 tensors, but 2 frames"),
    (
        [run_with({"tensors": []}, {"tensors": [ENTRY]}), bytes(7)],
        "MALFORMED",
        "programs[1].tensors[0]: its frame",
    ),
    ([pack({"type": "save", "id": 7})], "MALFORMED", "lacks format, items"),
    ([save_with(format="pickle")], "MALFORMED", "format: must be one of"),
    ([save_with(1)], "MALFORMED", "items[0]: must be"),
    ([save_with({"catalogue": "Adam()", "value": 1})], "MALFORMED", "items[0]: must be"),
    ([save_with({**STORED, "storages": [-1]})], "MALFORMED", "items[0]: must be"),
    ([save_with(STORED)], "MALFORMED", "1 tensors, but 0 frames"),
    ([save_with(STORED), bytes(3)], "MALFORMED", "items[0].storages[0]: its frame must have 4 bytes"),
    ([pack({"type": "load", "id": 7, "items": [{}]}), b""], "MALFORMED", "items[0]: must be"),
    ([pack({"type": "load", "id": 7, "items": [{"mmap": 1}]}), b""], "MALFORMED", "items[0]: must be"),
    ([pack({"type": "load", "id": 7, "items": [{"mmap": True}]})], "MALFORMED", "1 tensors, but 0 frames"),
]


def test_a_file_is_made_and_read(caller: Caller) -> None:
    tensor = {"dtype": "float32", "shape": [], "stride": [], "offset": 0, "storage": 0}
    description = {"value": [{"tensor": 0}, {"float": "1"}], "tensors": [tensor], "storages": [4]}
    for format in ("pt", "pt-legacy", "safetensors"):
        caller.send(
            {"type": "save", "id": 1, "format": format, "items": [description]}, [b"\x01\x00\xa0\x7f"]
        )
        header, (file,) = caller.receive()
        assert header == {"type": "save result", "id": 1, "results": [{}]}
        caller.send({"type": "load", "id": 2, "items": [{"mmap": False}]}, [file])
        header, frames = caller.receive()
        assert header["results"] == [{"description": description}]
        assert frames == [b"\x01\x00\xa0\x7f"]


def test_items_fail_one_by_one(caller: Caller) -> None:
    impossible = {"value": {"tensor": 3}, "tensors": [], "storages": []}
    items = [impossible, {"catalogue": "nothing"}, {"catalogue": "SGD()"}]
    caller.send({"type": "save", "id": 1, "format": "pt", "items": items})
    header, (file, *storages) = caller.receive()
    first, second, third = header["results"]
    assert [first["failed"]["code"], second["failed"]["code"]] == ["BAD_PROGRAM"] * 2
    assert len(storages) == len(third["description"]["storages"]) > 0
    caller.send(
        {"type": "load", "id": 2, "items": [{"mmap": True}, {"mmap": True, "resume": "SGD()"}]}, [b"?", file]
    )
    header, frames = caller.receive()
    refused, read = header["results"]
    assert refused["refused"]["message"]
    assert read["description"] == third["description"]
    assert len(frames) == len(storages) + len(read["after"]["storages"])
    assert frames[: len(storages)] == storages != frames[len(storages) :]


@pytest.mark.parametrize(("frames", "code", "text"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_messages_get_a_typed_error(
    caller: Caller, frames: list[bytes], code: str, text: str
) -> None:
    caller.socket.send_multipart(frames)
    error, rest = caller.receive()
    assert (error["type"], error["code"], rest) == ("error", code, [])
    assert text in error["message"]
    assert error["id"] in (None, 7)
    assert caller.ask(HELLO)["type"] == "hello"


def test_the_id_of_a_refused_request_is_the_callers(caller: Caller) -> None:
    assert caller.ask({**HELLO, "id": 4294967295, "protocol": 2})["id"] == 4294967295


def test_a_stranger_to_zeromq_does_no_harm(oracle: Oracle, caller: Caller) -> None:
    host, port = oracle.endpoint.removeprefix("tcp://").split(":")
    for greeting in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4096, b""):
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(greeting)
    assert caller.ask(HELLO)["type"] == "hello"


def test_a_caller_that_leaves_before_its_reply_does_no_harm(oracle: Oracle, caller: Caller) -> None:
    with Caller(oracle.endpoint) as leaving:
        leaving.send_run(["exact"], slow(100))
        leaving.ask(HELLO)  # the run before it has been received
    assert len(caller.run(["exact"], program())) == 1


def slow(steps: int) -> Building:
    """A program that takes about a millisecond for each two steps."""
    building = Building()
    grad = building.tensor([1.0])
    building.param([1.0])
    for _ in range(steps):
        building.do("grad", param=0, tensor=grad).do("step")
    return building


def kill_the_busy_worker(oracle: Oracle, before: dict[int, float]) -> int:
    """Kills the worker that has run for a while since `before`, and gives its process id."""

    def busy() -> int | None:
        return next((pid for pid, used in usage(oracle).items() if used > before.get(pid, 1.0) + 0.4), None)

    pid = wait_until(busy, "a worker to be busy")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in usage(oracle), "it to end")
    return pid


def usage(oracle: Oracle) -> dict[int, float]:
    """The processor seconds of each worker; a fresh one needs less than one until it is ready."""
    _, _, *workers = oracle.family()
    return {pid: processor_seconds(pid) for pid in workers}


def test_a_killed_worker_is_replaced_and_its_program_run_again(oracle: Oracle, caller: Caller) -> None:
    before = usage(oracle)
    caller.send_run(["exact"], program(), slow(3000), program(1))
    killed = kill_the_busy_worker(oracle, before)
    results = caller.results()
    assert [len(result["exact"]) for result in results] == [7, 6001, 7]
    assert repr(results[2]["exact"]) == repr(program(1).run())
    assert killed not in oracle.family()


def test_a_program_whose_worker_dies_twice_is_quarantined(oracle: Oracle, caller: Caller) -> None:
    before = usage(oracle)
    caller.send_run(["exact"], program(), slow(20000), program(1))
    kill_the_busy_worker(oracle, before)
    kill_the_busy_worker(oracle, before)
    first, poison, last = caller.results()
    assert poison["failed"] == {"code": "QUARANTINED", "message": "the program ended its worker 2 times"}
    assert len(first["exact"]) == len(last["exact"]) == 7


@pytest.mark.parametrize("way", ["terminate", "kill", "bye", "eof"])
def test_nothing_is_left_after_the_end(way: str, tmp_path: Path) -> None:
    bind = f"ipc://{tmp_path}/oracle" if way == "bye" else "tcp://127.0.0.1:0"
    with Oracle("--bind", bind, "--workers", "2", "--stop-on-bye", "--stop-on-eof") as oracle:
        family = oracle.family()
        assert (
            len(family) == 1 + 1 + 2 + 1
        )  # the server, the nursery, two workers and the one for torch as it is
        assert oracle.process.stdin is not None
        with Caller(oracle.endpoint) as caller:
            caller.send_run(["exact"], slow(3000), slow(3000))  # so that it ends in the middle of work
            if way == "bye":
                assert oracle.endpoint == bind and (tmp_path / "oracle").stat().st_mode & 0o077 == 0
                assert caller.ask({"type": "bye", "id": 3}) == {"type": "bye", "id": 3}
            else:
                assert caller.ask(HELLO)["workers"] == 2
        os.kill(family[2], signal.SIGSTOP)  # a worker that hangs does not notice that its connection ends
        match way:
            case "terminate":
                oracle.process.terminate()
            case "kill":
                oracle.process.kill()
            case "eof":
                oracle.process.stdin.close()
        assert oracle.process.wait(PATIENCE) == (-signal.SIGKILL if way == "kill" else 0)
        wait_until(lambda: not any(map(alive, family)), "its workers to end")
        assert oracle.process.stderr is not None
        assert oracle.process.stderr.read() == ""


def test_it_stops_while_it_starts() -> None:
    command = [sys.executable, "-m", "torch_oracle", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as starting:
        nursery = wait_until(lambda: descendants(starting.pid), "the nursery")
        starting.send_signal(signal.SIGINT)
        assert starting.wait(PATIENCE) == 0
        assert starting.stdout is not None and starting.stdout.read() == b""
        wait_until(lambda: not any(map(alive, nursery)), "the nursery to end")


def refused(*options: str) -> str:
    """What the command says when it does not start."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-m", "torch_oracle", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode != 0 and done.stdout == ""
    return done.stderr.strip().splitlines()[-1]


def test_it_is_local_without_keys(tmp_path: Path) -> None:
    for endpoint in (
        "tcp://0.0.0.0:0",
        "tcp://*:5555",
        "tcp://192.0.2.1:5555",
        "tcp://[::]:0",
        "tcp://example.org:1",
    ):
        assert "can be reached from other machines" in refused("--bind", endpoint)
    for endpoint in ("127.0.0.1:5555", "udp://127.0.0.1:5555", "inproc://x", "tcp://"):
        assert "write tcp://127.0.0.1:PORT or ipc://PATH" in refused("--bind", endpoint)
    assert "cannot bind" in refused("--bind", f"ipc://{tmp_path}/no/such/folder")
    assert "go together" in refused("--curve-allowed-keys-dir", str(tmp_path))
    assert "at least 1" in refused("--workers", "0")


def test_curve_lets_in_whom_it_knows(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    server_public, server_secret = zmq.auth.create_certificates(tmp_path, "server")
    keys = ["--curve-server-secret-key-file", server_secret, "--curve-allowed-keys-dir", str(allowed)]
    assert "no caller is allowed" in refused(*keys)
    zmq.auth.create_certificates(allowed, "friend")
    zmq.auth.create_certificates(tmp_path, "stranger")
    assert "holds no secret key" in refused(*keys[:1], server_public, *keys[2:])

    def keys_of(name: Path) -> dict[str, bytes | None]:
        public, secret = zmq.auth.load_certificate(name)
        server, _ = zmq.auth.load_certificate(server_public)
        return {"curve_publickey": public, "curve_secretkey": secret, "curve_serverkey": server}

    with Oracle("--bind", "tcp://0.0.0.0:0", "--workers", "1", *keys) as oracle:
        endpoint = oracle.endpoint.replace("0.0.0.0", "127.0.0.1")
        with Caller(endpoint, **keys_of(allowed / "friend.key_secret")) as friend:
            assert friend.ask(HELLO)["type"] == "hello"
            for others in (keys_of(tmp_path / "stranger.key_secret"), {}):
                with Caller(endpoint, **others) as stranger, pytest.raises(TimeoutError):
                    stranger.send(HELLO)
                    stranger.receive(seconds=1)
            assert friend.ask(HELLO)["type"] == "hello"


def test_the_ready_line_is_all_that_it_prints(oracle: Oracle) -> None:
    assert json.loads(json.dumps(oracle.ready)) == {"endpoint": oracle.endpoint, "torch": torch.__version__}
