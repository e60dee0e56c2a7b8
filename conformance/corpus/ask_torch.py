"""Tells what torch.load(weights_only=True), or safetensors, does with each file of a written corpus.

    node conformance/dist/hostile/write_corpus.js DIR
    python conformance/corpus/ask_torch.py DIR

Writes DIR/torch.tsv: name, what torch-parity does, what torch does. A file may crash or hang torch, so each
is read in a process of its own, with ten seconds and four gigabytes.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from collections import Counter
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from safetensors.torch import load as load_safetensors

SECONDS = 10
MEMORY = 4 << 30


def read(path: Path, answer: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    warnings.simplefilter("ignore")
    try:
        if path.suffix == ".safetensors":
            load_safetensors(path.read_bytes())
        else:
            torch.load(path, weights_only=True)
        answer.send("loads")
    except BaseException as error:  # whatever it is, it is the answer
        answer.send(f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}")


def ask(path: Path) -> str:
    ours, theirs = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=read, args=(path, theirs))
    process.start()
    theirs.close()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        return f"runs for more than {SECONDS} s"
    return ours.recv() if ours.poll() else f"crashes: exit code {process.exitcode}"


def main() -> None:
    folder = Path(sys.argv[1])
    index = json.loads((folder / "index.json").read_text())
    rows = [(entry["name"], entry["expected"], ask(folder / entry["name"])) for entry in index]
    (folder / "torch.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    refused = [said for _, expected, said in rows if expected != "loads"]
    counts = Counter(
        "refuses" if ": " in said and not said.startswith("crashes") else said for said in refused
    )
    print(f"of {len(refused)} files that torch-parity refuses, torch {torch.__version__}:")
    for said, count in counts.most_common():
        print(f"  {count:4} {said}")
    print(f"written: {folder / 'torch.tsv'}")


if __name__ == "__main__":
    main()
