#!/usr/bin/env bash
# Checks that this machine has what set-up needs. Prints one line that says what to do, and fails, where it has not.
# Environment: PYTHON (the Python to make the oracle's environment with), TORCH (the version of torch), ORACLE_PYTHON
# (a Python that has torch already), TOOLS (what it must have besides).
set -euo pipefail

stop() {
  echo "set-up: $1" >&2
  exit 1
}

node_version=$(node --version 2>/dev/null) || stop 'Node is missing: install Node 20.19 or newer, see https://nodejs.org/en/download'
IFS=. read -r major minor _ <<<"${node_version#v}"
((major > 20 || (major == 20 && minor >= 19))) ||
  stop "Node 20.19 or newer is needed, and this is $node_version: see https://nodejs.org/en/download"
command -v npm >/dev/null || stop 'npm is missing: sudo apt install npm'
command -v g++ >/dev/null || stop 'g++ is missing: sudo apt install g++'

python=${PYTHON:-python3}
python_version=$("$python" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null) ||
  stop "$python is missing or broken: sudo apt install python3 python3-venv"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  stop "$python lacks the venv module: sudo apt install python${python_version/ /.}-venv"

if [[ -n ${ORACLE_PYTHON:-} ]]; then
  missing=$("$ORACLE_PYTHON" -c '
from importlib.util import find_spec
from sys import argv

modules = {"pyzmq": "zmq"}
print(*(package for package in argv[1:] if find_spec(modules.get(package, package)) is None))
' torch numpy pyzmq msgpack ${TOOLS:-} 2>/dev/null) ||
    stop "ORACLE_PYTHON=$ORACLE_PYTHON does not run: give the path of a Python interpreter"
  [[ -z $missing ]] || stop "ORACLE_PYTHON lacks $missing: $ORACLE_PYTHON -m pip install $missing"
  exit
fi

read -r major minor <<<"$python_version"
if [[ ${TORCH:-} == 2.1.* ]]; then
  ((major == 3 && minor == 11)) ||
    stop "torch $TORCH needs Python 3.11, and $python is $major.$minor: install it and name it, make TORCH=$TORCH PYTHON=python3.11"
fi
((major > 3 || (major == 3 && minor >= 11))) ||
  stop "Python 3.11 or newer is needed, and $python is $major.$minor: install it and name it, for instance make PYTHON=python3.12"
