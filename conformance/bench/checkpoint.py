"""What `make bench` measures of Python: torch.save, torch.load and safetensors, a request a line.

A request is JSON: {"do": ..., "file": ..., "by": ...}; so is its reply, with the "ms" that it took, and
the peak of resident memory meanwhile, "peakMB".
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def shapes_of(case: str, small: bool) -> list[tuple[int, ...]]:
    """The float32 tensors of a case; a hundredth of them, or less, if small."""
    if case == "large":
        return [(1 << 16, 1 << 10)] * 4 if not small else [(1 << 8, 1 << 10)] * 4
    if case == "many":
        return [(1250,)] * (20_000 if not small else 200)
    width, layers, words = (768, 10, 32_000) if not small else (64, 2, 500)
    square = [(width, width), (width,)] * 4
    layer = [*square, (4 * width, width), (4 * width,), (width, 4 * width), (width,), *[(width,)] * 4]
    return [(words, width), (1024, width), *layer * layers, (width,), (width,)]


def make(case: str, small: bool) -> dict[str, Any]:
    """Random tensors; of the case adam, parameters and the state dict of their optimizer after a step."""
    torch.manual_seed(0)
    tensors = {f"tensor.{index}": torch.randn(shape) for index, shape in enumerate(shapes_of(case, small))}
    if case != "adam":
        return tensors
    parameters = [torch.nn.Parameter(tensor) for tensor in tensors.values()]
    optimizer = torch.optim.Adam(parameters)
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    return {"model": tensors, "optimizer": optimizer.state_dict()}


def tensors_of(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from tensors_of(each)


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, torch.Tensor]:
    """Under names joined with dots, as safetensors wants them."""
    found: dict[str, torch.Tensor] = {}
    for key, each in value.items():
        if isinstance(each, torch.Tensor):
            found[f"{prefix}{key}"] = each
        elif isinstance(each, dict):
            found |= flat(each, f"{prefix}{key}.")
    return found


def raw(tensor: torch.Tensor) -> Any:
    return tensor.detach().reshape(-1).view(torch.uint8).numpy()


def digest(tensors: Iterator[torch.Tensor]) -> int:
    crc = 0
    for tensor in tensors:
        crc = zlib.crc32(raw(tensor), crc)
    return crc


def torch_load(file: str) -> Any:
    return torch.load(file, weights_only=True)


def torch_map(file: str) -> Any:
    return torch.load(file, weights_only=True, mmap=True)


def safetensors_read(file: str) -> Any:
    """load_file maps the file; what is here in the end is in memory, and does not change with the file."""
    return {name: tensor.clone() for name, tensor in load_file(file).items()}


def safetensors_open(file: str) -> Any:
    with safe_open(file, framework="pt") as opened:
        return {name: opened.get_slice(name).get_shape() for name in opened.keys()}


def torch_save_synced(value: Any, file: str) -> None:
    with open(file, "wb") as out:
        torch.save(value, out)
        out.flush()
        os.fsync(out.fileno())


READERS: dict[str, Callable[[str], Any]] = {
    "torch.load": torch_load,
    "torch.load, mmap": torch_map,
    "load_file, clone": safetensors_read,
    "safe_open": safetensors_open,
}
WRITERS: dict[str, Callable[[Any, str], None]] = {
    "torch.save": torch.save,
    "torch.save, fsync": torch_save_synced,
    "save_file": lambda value, file: save_file(value, file),
}


def measured(call: Callable[[], Any]) -> dict[str, float]:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    start = time.perf_counter()
    kept = call()
    ms = (time.perf_counter() - start) * 1000
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    del kept
    return {"ms": ms, "peakMB": int(peak.split()[1]) / 1024}


def serve() -> None:
    held: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        reply: dict[str, Any] = {}
        match request:
            case {"do": "make", "case": case, "small": small, "pt": pt, "safetensors": safe}:
                value = make(case, small)
                torch.save(value, pt)
                save_file(flat(value), safe)
                reply = {"tensors": sum(1 for _ in tensors_of(value)), "digest": digest(tensors_of(value))}
            case {"do": "digest", "file": file}:
                value = load_file(file) if file.endswith(".safetensors") else torch_load(file)
                # Both in the order of their names: safetensors keeps none.
                named = flat(value)
                reply = {"digest": digest(named[name] for name in sorted(named))}
            case {"do": "read", "by": by, "file": file}:
                reply = measured(partial(READERS[by], file))
            case {"do": "hold", "file": file}:
                held = load_file(file) if file.endswith(".safetensors") else torch_load(file)
            case {"do": "drop"}:
                held = None
            case {"do": "write", "by": by, "file": file}:
                reply = measured(partial(WRITERS[by], held, file))
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    serve()
