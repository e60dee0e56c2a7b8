"""Optimizers of the user's own."""

import json
import subprocess
import sys
from pathlib import Path

# In a process of its own: what it adds stays there.
LOADING = """
import json, sys, torch
from torch_oracle import own, programs
answers = []
for file in sys.argv[1:]:
    try:
        own.add_optimizers(file)
        answers.append(sorted(programs.OPTIMIZERS.keys() - vars(torch.optim).keys()))
    except Exception as error:
        answers.append(str(error))
print(json.dumps(answers))
"""

FILES = {
    "none.py": ("import torch", "defines no optimizer: a class that extends torch.optim.Optimizer"),
    "known.py": (
        "import torch\nclass SGD(torch.optim.SGD): pass",
        "defines SGD, which torch.optim has: give it another name",
    ),
    "text.txt": ("", "is no Python file: name one that ends in .py"),
    "broken.py": ("import nowhere", "No module named 'nowhere'"),
    "mine.py": (
        "from torch.optim import SGD, Optimizer\nclass Mine(SGD): pass\nclass Other(Optimizer): pass",
        ["Mine", "Other"],
    ),
}


def test_classes_that_a_file_defines_are_added_and_nothing_else(tmp_path: Path) -> None:
    for name, (text, _) in FILES.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-c", LOADING, *(str(tmp_path / name) for name in FILES)]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    for answer, (_, expected) in zip(json.loads(done.stdout), FILES.values(), strict=True):
        assert answer[-len(expected) :] == expected
