"""The pool: jobs, deaths, replacements. Its workers are fakes that know no torch."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from serving import alive, descendants, wait_until
from torch_oracle.errors import OracleError
from torch_oracle.nursery import IEEE, NATIVE
from torch_oracle.packing import pack
from torch_oracle.pool import Nursery, Pool

FAKE = (sys.executable, str(Path(__file__).with_name("fake_nursery.py")))


@asynccontextmanager
async def running(size: int, kind: bytes = IEEE) -> AsyncIterator[tuple[Pool, list[dict[str, Any]]]]:
    nursery = Nursery(FAKE)
    pool = Pool(nursery, kind, size)
    try:
        yield pool, await pool.start()
    finally:
        started = descendants(os.getpid())
        await pool.stop()
        await nursery.stop()
        wait_until(lambda: not any(map(alive, started)), "the workers to end")


async def ask(pool: Pool, **job: Any) -> dict[str, Any]:
    return await pool.run(pack(job))


async def failure(pool: Pool, **job: Any) -> str:
    try:
        return repr(await ask(pool, **job))
    except OracleError as error:
        return f"{error.code}: {error.message}"


def test_jobs_are_shared_among_workers() -> None:
    async def scenario() -> None:
        async with running(3) as (pool, hellos):
            answers = await asyncio.gather(*(ask(pool, do="sleep", seconds=0.2, n=n) for n in range(6)))
            assert [answer["job"]["n"] for answer in answers] == list(range(6))
            assert {answer["pid"] for answer in answers} == {hello["pid"] for hello in hellos}

    asyncio.run(scenario())


def test_workers_know_their_kind() -> None:
    async def scenario() -> None:
        for kind in (IEEE, NATIVE):
            async with running(1, kind) as (_, hellos):
                assert hellos[0]["native"] == (kind == NATIVE)

    asyncio.run(scenario())


def test_a_job_whose_worker_died_is_tried_on_a_fresh_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        async with running(1) as (pool, hellos):
            answer = await ask(pool, do="die once", file=str(tmp_path / "died"))
            assert answer["pid"] != hellos[0]["pid"]

    asyncio.run(scenario())
    assert "ended while it ran a program" in capfd.readouterr().err


def test_a_job_that_kills_twice_is_quarantined_and_the_others_go_on() -> None:
    async def scenario() -> None:
        async with running(2) as (pool, _):
            jobs = [failure(pool, do="die" if n == 2 else "answer", n=n) for n in range(6)]
            answers = await asyncio.gather(*jobs)
            assert answers[2] == "QUARANTINED: the program ended its worker 2 times"
            assert all("'do': 'answer'" in answer for n, answer in enumerate(answers) if n != 2)

    asyncio.run(scenario())


def test_a_nursery_that_died_is_replaced() -> None:
    async def scenario() -> None:
        async with running(1) as (pool, hellos):
            (nursery,) = [pid for pid in descendants(os.getpid()) if pid != hellos[0]["pid"]]
            os.kill(nursery, signal.SIGKILL)
            await asyncio.to_thread(
                wait_until, lambda: not alive(hellos[0]["pid"]), "its worker to end with it"
            )
            assert (await ask(pool, do="answer"))["pid"] != hellos[0]["pid"]

    asyncio.run(scenario())


def test_no_job_is_lost_while_the_nursery_is_replaced() -> None:
    async def scenario() -> None:
        async with running(3) as (pool, hellos):
            pids = [hello["pid"] for hello in hellos]
            for _ in range(3):
                jobs = [asyncio.create_task(failure(pool, do="sleep", seconds=0.05)) for _ in range(12)]
                await asyncio.sleep(0.06)
                (nursery,) = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
                os.kill(int(nursery), signal.SIGKILL)
                answers = await asyncio.gather(*jobs)
                assert all("'do': 'sleep'" in answer for answer in answers)
            assert not any(map(alive, pids))

    asyncio.run(scenario())


def test_a_nursery_that_cannot_be_started_is_reported() -> None:
    async def scenario() -> None:
        nursery = Nursery(("no/such/python",))
        with pytest.raises(OracleError, match="no worker can be started: .*no/such/python") as caught:
            await Pool(nursery, IEEE, 1).start()
        await nursery.stop()
        assert caught.value.code == "INTERNAL"

    asyncio.run(scenario())


def test_workers_that_do_not_come_up_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_WORKERS", "stillborn")

    async def scenario() -> None:
        async with running(1):
            raise AssertionError("it started")

    with pytest.raises(OracleError, match="a worker ended while it started"):
        asyncio.run(scenario())
