"""check_machine.sh on machines that lack something, made of the programs on PATH."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("check_machine.sh")


def python(version: str = "3.11", lacks: str = "-") -> str:
    """A python3 of that version, without that module."""
    major, minor = version.split(".")
    prelude = f"import sys; sys.version_info = ({major}, {minor}, 0); sys.modules['{lacks}'] = None"
    return f"""exec {sys.executable} -c "{prelude}; exec(sys.argv[1])" "$2" """


@pytest.fixture
def check(tmp_path):
    """Runs the script on a good machine with some programs replaced, or removed (None)."""

    def run(env: dict[str, str] | None = None, **programs: str | None) -> tuple[int, str]:
        good = {"node": "echo v20.19.0", "npm": "", "gxx": "", "python3": python()}
        for name, body in (good | programs).items():
            if body is not None:
                path = tmp_path / name.replace("gxx", "g++")
                path.write_text(f"#!/bin/sh\n{body}\n")
                path.chmod(0o755)
        command = ["/bin/bash", str(SCRIPT)]
        done = subprocess.run(
            command, env={"PATH": str(tmp_path)} | (env or {}), capture_output=True, text=True
        )
        assert done.stdout == ""
        return done.returncode, done.stderr

    return run


def test_a_good_machine_passes_in_silence(check):
    assert check() == (0, "")


@pytest.mark.parametrize("version", ["v20.19.0", "v22.1.0", "v24.9.0", "v26.0.0"])
def test_node_that_is_new_enough(check, version):
    assert check(node=f"echo {version}") == (0, "")


@pytest.mark.parametrize(
    ("programs", "line"),
    [
        ({"node": None}, "Node is missing: install Node 20.19"),
        ({"node": "echo v18.20.4"}, "Node 20.19 or newer is needed, and this is v18.20.4"),
        ({"node": "echo v20.18.3"}, "Node 20.19 or newer is needed, and this is v20.18.3"),
        ({"npm": None}, "npm is missing: sudo apt install npm"),
        ({"gxx": None}, "g++ is missing: sudo apt install g++"),
        ({"python3": None}, "python3 is missing or broken: sudo apt install python3 python3-venv"),
        ({"python3": "exit 1"}, "python3 is missing or broken"),
        (
            {"python3": python("3.12", "ensurepip")},
            "python3 lacks the venv module: sudo apt install python3.12-venv",
        ),
        ({"python3": python("3.10")}, "Python 3.11 or newer is needed, and python3 is 3.10"),
    ],
)
def test_what_is_missing_is_named_in_one_line(check, programs, line):
    status, stderr = check(**programs)
    assert status == 1
    assert stderr.startswith(f"set-up: {line}")
    assert stderr.count("\n") == 1


def test_torch_2_1_needs_python_3_11(check):
    assert check({"TORCH": "2.1.2"}, python3=python("3.11")) == (0, "")
    status, stderr = check({"TORCH": "2.1.2"}, python3=python("3.13"))
    assert status == 1
    assert stderr == (
        "set-up: torch 2.1.2 needs Python 3.11, and python3 is 3.13: "
        "install it and name it, make TORCH=2.1.2 PYTHON=python3.11\n"
    )


def test_another_python_can_be_named(check, tmp_path):
    assert check({"PYTHON": "python3.12"}, **{"python3": python("3.10"), "python3.12": python("3.12")}) == (
        0,
        "",
    )


def test_an_environment_that_has_torch_is_used_whatever_python3_is(check):
    assert check({"ORACLE_PYTHON": sys.executable}, python3=python("3.10")) == (0, "")


def test_what_the_given_environment_lacks_is_named(check, tmp_path):
    lacking = tmp_path / "lacking"
    lacking.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    lacking.chmod(0o755)
    status, stderr = check({"ORACLE_PYTHON": str(lacking)})
    assert status == 1
    missing = "torch numpy pyzmq msgpack"
    assert stderr == f"set-up: ORACLE_PYTHON lacks {missing}: {lacking} -m pip install {missing}\n"
    _, stderr = check({"ORACLE_PYTHON": str(lacking), "TOOLS": "pytest ruff"})
    assert stderr.startswith(f"set-up: ORACLE_PYTHON lacks {missing} pytest ruff: ")


def test_a_given_environment_that_does_not_run(check):
    status, stderr = check({"ORACLE_PYTHON": "/nowhere/python"})
    assert status == 1
    assert stderr.startswith("set-up: ORACLE_PYTHON=/nowhere/python does not run")
