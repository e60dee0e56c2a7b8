#!/usr/bin/env bash
# Makes the oracle's Python environment: python_env.sh DIRECTORY REQUIREMENTS
# An environment that was not finished, or for other requirements, is made anew. Environment: PYTHON.
set -euo pipefail
directory=$PWD/$1
requirements=$2
log=$directory/pip.log

stop() {
  echo "set-up: $1" >&2
  exit 1
}

# torch and its CUDA libraries take 4.3 GB, and 3 GB more while pip keeps their wheels in TMPDIR.
needed_gb=8
free_gb=$(($(df --output=avail -B1 . | tail -n 1) / 1000000000))
((free_gb >= needed_gb)) ||
  stop "the disk is full: torch needs $needed_gb GB under $PWD, and $free_gb GB are free; ORACLE_PYTHON=path uses a Python that has torch"

rm -rf "$directory"
trap 'rm -rf "$directory"' EXIT
pip=
trap '[[ -z $pip ]] || kill "$pip" || true; stop "interrupted; run make again to begin anew"' INT TERM
mkdir "$directory"
# /tmp is often small, or memory.
export TMPDIR=$directory/tmp
mkdir "$TMPDIR"

# In two commands, since venv keeps to itself why ensurepip failed.
make_environment() {
  "${PYTHON:-python3}" -m venv --without-pip "$directory" && "$directory/bin/python" -m ensurepip >/dev/null
}

# In the background, since bash hears of an interruption only when the command before it has ended.
install() {
  "$directory/bin/python" -m pip install --disable-pip-version-check --no-deps --no-compile --require-hashes \
    --requirement "$requirements" 2>"$log" &
  pip=$!
  wait "$pip"
}

if ! make_environment 2>"$log" || ! install; then
  cat "$log" >&2
  if grep -qiE 'no space left|quota exceeded|file too large' "$log"; then
    stop "the disk is full: free space under $PWD (torch takes 4.3 GB) or in pip's cache (pip cache purge), and try again"
  fi
  # pip's last word where it reaches nothing is that it found no version at all.
  if grep -qiE 'retrying|timed? ?out|connection|from versions: none' "$log"; then
    stop 'no network: pip could not reach its package index; check the connection, or the proxy or mirror in `pip config list`, and try again'
  fi
  stop "pip could not install $requirements: see the lines above"
fi
# Only what an oracle imports is compiled to bytecode, and by importing it: all of torch would take minutes.
echo 'from torch.optim import SGD
from torch import zeros
SGD([zeros(1)], 0.1).step()' | PYTHONDONTWRITEBYTECODE='' "$directory/bin/python" - || stop 'torch was installed, but does not run: see the lines above'
rm -rf "$TMPDIR" "$log"
touch "$directory/.installed"
trap - EXIT
