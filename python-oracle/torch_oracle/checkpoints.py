"""Checkpoint files, written and read by torch and by safetensors.

What comes from a caller is unpickled with weights_only alone.
"""

import io
import json
import tempfile
from typing import Any

import safetensors
import safetensors.torch
import torch

from torch_oracle.descriptions import Decoder, Encoder

_TREE = "torch_parity.tree"


def save(value: Any, format: str) -> bytes:
    """The bytes of a file that holds the value."""
    if format == "safetensors":
        return _save_safetensors(value)
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=format == "pt")
    return file.getvalue()


def load(file: bytes, mmap: bool = False) -> Any:
    """The value that a file holds.

    Args:
        mmap: reads it from disk, mapped into memory, as one does with large files.

    Raises:
        Exception: whatever torch or safetensors refuses it with.
    """
    if not mmap:
        return _load_pt(io.BytesIO(file)) if _is_pt(file) else _load_safetensors(file)
    with tempfile.NamedTemporaryFile() as place:  # what is mapped stays readable when the name is gone
        place.write(file)
        place.flush()
        if _is_pt(file):
            return _load_pt(place.name, mmap=True)
        with safetensors.safe_open(place.name, "pt") as opened:
            tensors = {name: _apart(opened.get_tensor(name)) for name in opened.keys()}
            return _restored(tensors, opened.metadata())


def _is_pt(file: bytes) -> bool:
    """A zip archive, or the pickled long that a legacy file starts with; safetensors starts with a length."""
    return file.startswith((b"PK\x03\x04", b"\x80\x02\x8a\x0a"))


def _load_pt(file: Any, **options: bool) -> Any:
    return torch.load(file, map_location="cpu", weights_only=True, **options)


def _load_safetensors(file: bytes) -> Any:
    length = int.from_bytes(file[:8], "little")
    tensors = safetensors.torch.load(file)  # which checks the header first
    return _restored(tensors, json.loads(file[8 : 8 + length]).get("__metadata__"))


def _save_safetensors(value: Any) -> bytes:
    """Any tree in torch-parity's scheme; a plain dict of tensors as the file that everyone writes."""
    if _is_plain(value):
        return safetensors.torch.save({name: _contiguous(value[name]) for name in value}, {"format": "pt"})
    tensors: dict[str, torch.Tensor] = {}
    names: dict[int, str] = {}

    def filed(tensor: torch.Tensor) -> str:
        name = names.setdefault(id(tensor), f"tensor.{len(names)}")
        tensors[name] = _contiguous(tensor)
        return name

    tree = json.dumps(Encoder(filed).encode(value))
    return safetensors.torch.save(tensors, {"format": "pt", _TREE: tree})


def _contiguous(tensor: torch.Tensor) -> torch.Tensor:
    """A copy that owns its elements: safetensors takes no views, and no two tensors of one storage."""
    return tensor.detach().clone(memory_format=torch.contiguous_format)


def _is_plain(value: Any) -> bool:
    if type(value) is not dict or not value:
        return False
    is_tensor = (type(item) is torch.Tensor and not item.requires_grad for item in value.values())
    return all(is_tensor) and all(isinstance(key, str) for key in value)


def _apart(tensor: torch.Tensor) -> torch.Tensor:
    """A mapped tensor that torch can save again.

    One without elements has the address of the next one, and torch saves no two dtypes at one address.
    """
    return tensor if tensor.numel() else tensor.clone()


def _restored(tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None) -> Any:
    tree = (metadata or {}).get(_TREE)
    return tensors if tree is None else Decoder(tensors.__getitem__).decode(json.loads(tree))
