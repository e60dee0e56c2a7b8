"""python_env.sh with a wheel of a few bytes instead of torch."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "python_env.sh"


@pytest.fixture
def env(tmp_path):
    """Where the environment comes to be."""
    return tmp_path / "work" / "env"


@pytest.fixture
def make_env(tmp_path):
    """Runs the script for requirements that only a local folder has."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "answer = 42\n")
        # What the script imports of torch at the end.
        archive.writestr("torch/__init__.py", "def zeros(n): return [0] * n\n")
        archive.writestr("torch/optim.py", "class SGD:\n    def __init__(*_): ...\n    def step(self): ...\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    programs = tmp_path / "programs"
    programs.mkdir()
    work = tmp_path / "work"
    work.mkdir()

    def run(
        digest: str = digest, links: str = str(wheels), free: int = 20 * 10**9, file_limit: str = "unlimited"
    ):
        (work / "requirements.txt").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
        (programs / "df").write_text(f"#!/bin/sh\necho Avail; echo {free}\n")
        (programs / "df").chmod(0o755)
        env = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            "PIP_FIND_LINKS": links,
            "PIP_RETRIES": "0",
        }
        command = f'ulimit -f {file_limit}; exec /bin/bash "{SCRIPT}" env requirements.txt'
        return subprocess.run(["/bin/bash", "-c", command], cwd=work, env=env, capture_output=True, text=True)

    return run


def last_line(done) -> str:
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def imports_tiny(env: Path) -> bool:
    return (
        subprocess.run([env / "bin" / "python", "-c", "import tiny; assert tiny.answer == 42"]).returncode
        == 0
    )


def test_it_installs_and_marks_the_end(make_env, env):
    done = make_env()
    assert (done.returncode, done.stderr) == (0, "")
    assert imports_tiny(env)
    assert (env / ".installed").exists()
    assert not (env / "tmp").exists()


def test_without_a_network_it_says_so_and_the_second_try_works(make_env, env):
    assert last_line(make_env(links="")).startswith("set-up: no network: ")
    assert not env.exists()
    assert make_env().returncode == 0
    assert imports_tiny(env)


def test_a_wrong_hash_is_refused(make_env, env):
    assert (
        last_line(make_env(digest="0" * 64))
        == "set-up: pip could not install requirements.txt: see the lines above"
    )
    assert not env.exists()


def test_a_disk_that_is_too_small_is_found_before_the_download(make_env, env):
    assert last_line(make_env(free=3 * 10**9)).startswith("set-up: the disk is full: torch needs 8 GB under ")
    assert not env.exists()


def test_a_disk_that_fills_up_is_named_and_the_second_try_works(make_env, env):
    assert last_line(make_env(file_limit="10")).startswith("set-up: the disk is full: free space under ")
    assert not env.exists()
    assert make_env().returncode == 0
