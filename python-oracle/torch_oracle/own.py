"""Optimizers of the user's own: a Python file whose classes stand beside those of torch.optim."""

import importlib.util
import sys

from torch.optim import Optimizer

from torch_oracle.programs import OPTIMIZERS

_MODULE = "own_optimizers"


def add_optimizers(path: str) -> None:
    """Runs a Python file, and lets programs name the optimizers that it defines.

    The file runs with all that the user may do: it is named on the command line alone, never in a request.

    Raises:
        ValueError: the file defines no optimizer, or one that torch.optim has.
    """
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file: name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module  # kinds.py looks up the module of a class
    spec.loader.exec_module(module)
    own = {
        name: kind
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Optimizer) and kind.__module__ == _MODULE
    }
    if not own:
        raise ValueError(f"{path} defines no optimizer: a class that extends torch.optim.Optimizer")
    if known := sorted(own.keys() & OPTIMIZERS.keys()):
        raise ValueError(f"{path} defines {', '.join(known)}, which torch.optim has: give it another name")
    OPTIMIZERS.update(own)
