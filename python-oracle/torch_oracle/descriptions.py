"""PROTOCOL.md's descriptions: any value that a checkpoint holds, with every bit, type and identity of it."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from torch_oracle.errors import BadProgram, Unsupported
from torch_oracle.values import LARGEST_PLAIN_INT, float_text

Containers = dict[int, Any]


@dataclass
class Description:
    """A described value's header, and the bytes of its storages."""

    header: dict[str, Any]
    frames: list[bytes]


def build(description: dict[str, Any], frames: Sequence[bytes]) -> Any:
    """The value that is described.

    Raises:
        BadProgram: there is no such value.
    """
    try:
        tensors = _Tensors(description["tensors"], [_storage(frame) for frame in frames])
        return Decoder(tensors.tensor).decode(description["value"])
    except BadProgram:
        raise
    except Exception as error:  # torch refuses impossible tensors with errors of many classes
        raise BadProgram("description", f"{type(error).__name__}: {error}") from error


def describe(value: Any) -> Description:
    """The description of a value.

    Raises:
        Unsupported: something in it has no description.
    """
    filed = _Filed()
    node = Encoder(filed.tensor).encode(value)
    return Description({"value": node, "tensors": filed.entries, "storages": filed.sizes}, filed.frames)


class Decoder:
    """Makes values of nodes; `tensor` gives the tensor of a reference, which it may be asked for twice."""

    def __init__(self, tensor: Callable[[Any], torch.Tensor]) -> None:
        self._tensor = tensor
        self._parameters: dict[Any, torch.nn.Parameter] = {}
        self._containers: list[Any] = []

    def decode(self, node: Any) -> Any:
        if isinstance(node, list):
            items: list[Any] = self._begin([])
            items.extend(self.decode(item) for item in node)
            return items
        if not isinstance(node, dict):
            return node
        ((tag, content),) = node.items()
        match tag:
            case "float":
                return float(content)
            case "int":
                return int(content)
            case "tuple":
                return tuple(self.decode(item) for item in content)
            case "size":
                return torch.Size(content)
            case "dict":
                return self._fill(self._begin({}), content)
            case "counter":
                return self._fill(self._begin(Counter()), content)
            case "orderedDict":
                ordered = self._fill(self._begin(OrderedDict()), content["items"])
                for key, attribute in content.get("attributes", []):
                    setattr(ordered, key, self.decode(attribute))
                return ordered
            case "set":
                members: set[Any] = self._begin(set())
                members.update(self.decode(item) for item in content)
                return members
            case "bytes":
                return bytes.fromhex(content)
            case "bytearray":
                return self._begin(bytearray.fromhex(content))
            case "complex":
                return complex(*map(float, content))
            case "dtype":
                return getattr(torch, content)
            case "device":
                return torch.device(content)
            case "same":
                return self._containers[content]
            case "tensor":
                return self._tensor(content)
            case "requiringGrad":
                return self._tensor(content).requires_grad_()
            case "parameter":
                return self._parameter(content["tensor"], content["requiresGrad"])
        raise BadProgram("description", f"{tag!r} is no tag of a value")

    def _parameter(self, ref: Any, requires_grad: bool) -> torch.nn.Parameter:
        if ref not in self._parameters:
            self._parameters[ref] = torch.nn.Parameter(self._tensor(ref), requires_grad=requires_grad)
        return self._parameters[ref]

    def _begin(self, container: Any) -> Any:
        """Numbers a container, which may contain itself."""
        self._containers.append(container)
        return container

    def _fill(self, target: Any, pairs: list[Any]) -> Any:
        for key, value in pairs:
            made = self.decode(key)
            target[made] = self.decode(value)
        return target


class Encoder:
    """Makes nodes of values; `tensor` files a tensor and gives its reference."""

    def __init__(self, tensor: Callable[[torch.Tensor], Any]) -> None:
        self._tensor = tensor
        self._numbers: dict[int, int] = {}

    def encode(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        kind = type(value)
        if kind is int:
            return value if abs(value) <= LARGEST_PLAIN_INT else {"int": str(value)}
        if kind is float:
            return {"float": float_text(value)}
        if kind is torch.Size:
            return {"size": list(value)}
        if kind is tuple:
            return {"tuple": [self.encode(item) for item in value]}
        if kind is bytes:
            return {"bytes": value.hex()}
        if kind is complex:
            return {"complex": [float_text(value.real), float_text(value.imag)]}
        if kind is torch.dtype:
            return {"dtype": str(value).removeprefix("torch.")}
        if kind is torch.device:
            return {"device": str(value)}
        if kind is torch.nn.Parameter:
            return {"parameter": {"tensor": self._tensor(value), "requiresGrad": value.requires_grad}}
        if kind is torch.Tensor:
            return {"requiringGrad" if value.requires_grad else "tensor": self._tensor(value)}
        return self._container(kind, value)

    def _container(self, kind: type, value: Any) -> Any:
        if (number := self._numbers.get(id(value))) is not None:
            return {"same": number}
        self._numbers[id(value)] = len(self._numbers)
        if kind is list:
            return [self.encode(item) for item in value]
        if kind is dict:
            return {"dict": self._pairs(value)}
        if kind is Counter:
            return {"counter": self._pairs(value)}
        if kind is OrderedDict:
            node: dict[str, Any] = {"items": self._pairs(value)}
            if vars(value):
                node["attributes"] = self._pairs(vars(value))
            return {"orderedDict": node}
        if kind is set:
            return {"set": [self.encode(member) for member in value]}
        if kind is bytearray:
            return {"bytearray": value.hex()}
        raise Unsupported(f"a description cannot hold a value of type {kind.__name__}")

    def _pairs(self, items: Any) -> list[list[Any]]:
        return [[self.encode(key), self.encode(item)] for key, item in items.items()]


class _Tensors:
    """The tensors of a description, each made once."""

    def __init__(self, entries: list[dict[str, Any]], storages: Sequence[torch.UntypedStorage]) -> None:
        self._entries = entries
        self._storages = storages
        self._made: dict[int, torch.Tensor] = {}

    def tensor(self, index: int) -> torch.Tensor:
        if index not in self._made:
            entry = self._entries[index]
            empty = torch.empty(0, dtype=getattr(torch, entry["dtype"]))
            layout = entry["offset"], entry["shape"], entry["stride"]
            storage = self._storages[entry["storage"]]
            size = storage.nbytes()
            self._made[index] = empty.set_(storage, *layout)
            if storage.nbytes() != size:  # torch lets it grow
                raise BadProgram("description", f"tensor {index} reaches beyond its storage of {size} bytes")
        return self._made[index]


class _Filed:
    """Tensors and their storages, numbered as they come."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.frames: list[bytes] = []
        self._tensors: dict[int, int] = {}
        self._storages: dict[int, int] = {}

    def tensor(self, tensor: torch.Tensor) -> int:
        """The number of a tensor."""
        if (number := self._tensors.get(id(tensor))) is not None:
            return number
        if tensor.layout != torch.strided or tensor.is_conj() or tensor.is_neg() or tensor.is_quantized:
            raise Unsupported(f"a description cannot hold a {tensor.layout} tensor of dtype {tensor.dtype}")
        entry = {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "stride": list(tensor.stride()),
            "offset": tensor.storage_offset(),
            "storage": self._storage(tensor.untyped_storage()),
        }
        self.entries.append(entry)
        return self._tensors.setdefault(id(tensor), len(self._tensors))

    def _storage(self, storage: torch.UntypedStorage) -> int:
        number = self._storages.setdefault(storage._cdata, len(self._storages))
        if number == len(self.frames):
            self.frames.append(_bytes(storage))
            self.sizes.append(len(self.frames[-1]))
        return number


def _storage(frame: bytes) -> torch.UntypedStorage:
    tensor = torch.empty(len(frame), dtype=torch.uint8)
    if frame:
        tensor.copy_(torch.frombuffer(bytearray(frame), dtype=torch.uint8))
    return tensor.untyped_storage()


def _bytes(storage: torch.UntypedStorage) -> bytes:
    return torch.empty(0, dtype=torch.uint8).set_(storage).numpy().tobytes()
