"""What a constructor or add_param_group is given, made from PROTOCOL.md's arguments, items and groups."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch


class OrderedSet(set[Any]):
    """A set that iterates in the order of insertion: the order of a plain set of tensors is by address."""

    def __init__(self, items: list[Any]) -> None:
        super().__init__(items)
        self._items = list(dict.fromkeys(items))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)


class Arguments:
    """Makes arguments from checked nodes; `value` decodes a value."""

    def __init__(self, params: Sequence[torch.Tensor], value: Callable[[Any], Any]) -> None:
        self._params = params
        self._value = value

    def argument(self, node: dict[str, Any]) -> Any:
        match node:
            case {"list": items}:
                return [self._item(item) for item in items]
            case {"set": items}:
                return OrderedSet([self._item(item) for item in items])
            case {"param": param}:
                return self._params[param]
            case {"value": value}:
                return self._value(value)
        raise AssertionError(f"unchecked argument {node!r}")

    def group(self, node: dict[str, Any]) -> dict[str, Any]:
        params = {"params": self.argument(node["params"])} if "params" in node else {}
        return {**params, **self.options(node["options"])}

    def options(self, nodes: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: self._value(node) for key, node in nodes}

    def _item(self, node: dict[str, Any]) -> Any:
        match node:
            case {"named": [name, param]}:
                return name, self._params[param]
            case {"group": group}:
                return self.group(group)
        return self.argument(node)
