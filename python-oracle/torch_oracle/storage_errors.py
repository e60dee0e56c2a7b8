"""Error bounds of tensors, kept by storage, so that views and aliases share them."""

import numpy as np
import torch
from torch.multiprocessing.reductions import StorageWeakRef

from torch_oracle.bounds import Array


class StorageErrors:
    """One float64 for each element of a storage; storages without an entry are exact.

    An entry holds its storage weakly, and with that the storage's address: no new one can be mistaken for it.
    Entries of storages that are gone are dropped whenever their size has doubled.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[StorageWeakRef, np.ndarray]] = {}
        self._size = 0
        self._limit = 1 << 14

    def view(self, tensor: torch.Tensor) -> np.ndarray | None:
        """The errors of a tensor's elements, which show later changes; None where nothing was ever set."""
        entry = self._entries.get(tensor.untyped_storage()._cdata)
        return None if entry is None else _like(tensor, entry[1])

    def set(self, tensor: torch.Tensor, error: Array) -> None:
        storage = tensor.untyped_storage()
        entry = self._entries.get(storage._cdata)
        if entry is not None:
            _like(tensor, entry[1])[...] = error
        elif not is_exact(error):
            errors = np.zeros(storage.nbytes() // tensor.element_size())
            _like(tensor, self._add(storage, errors))[...] = error

    def copy_storage(self, target: torch.Tensor, source: torch.Tensor) -> None:
        """Copies all errors of a storage, of whatever type its elements are."""
        self._entries.pop(target.untyped_storage()._cdata, None)
        entry = self._entries.get(source.untyped_storage()._cdata)
        if entry is not None:
            self._add(target.untyped_storage(), entry[1].copy())

    def _add(self, storage: torch.UntypedStorage, errors: np.ndarray) -> np.ndarray:
        self._entries[storage._cdata] = (StorageWeakRef(storage), errors)
        self._size += errors.size
        if self._size > self._limit:
            self._entries = {key: entry for key, entry in self._entries.items() if not entry[0].expired()}
            self._size = sum(errors.size for _, errors in self._entries.values())
            self._limit = max(self._limit, 2 * self._size)
        return errors


def is_exact(error: Array) -> bool:
    return isinstance(error, float) and error == 0


def _like(tensor: torch.Tensor, errors: np.ndarray) -> np.ndarray:
    """The errors of a tensor's elements, among those of its whole storage."""
    strides = None if tensor.is_contiguous() else [8 * stride for stride in tensor.stride()]
    return np.ndarray(tensor.shape, np.float64, errors, 8 * tensor.storage_offset(), strides)
