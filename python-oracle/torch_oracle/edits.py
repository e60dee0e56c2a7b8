"""PROTOCOL.md's edits of a state dict."""

from collections.abc import Callable
from typing import Any

from torch_oracle.errors import BadProgram

StateDict = dict[str, Any]


def apply(edits: list[dict[str, Any]], state_dict: StateDict, value: Callable[[Any], Any]) -> None:
    """Edits a state dict in place; `value` decodes a node. Removing what is not there does nothing.

    Raises:
        BadProgram: an edit names a group or a part of the dict that does not exist.
    """
    for position, edit in enumerate(edits):
        try:
            _apply(edit, state_dict, value)
        except BadProgram as error:
            raise BadProgram(f"edits[{position}]", error.message) from None


def _apply(edit: dict[str, Any], state_dict: StateDict, value: Callable[[Any], Any]) -> None:
    match edit:
        case {"edit": "setOption", "group": group, "key": key, "value": node}:
            _group(state_dict, group)[key] = value(node)
        case {"edit": "removeOption", "group": group, "key": key}:
            _group(state_dict, group).pop(key, None)
        case {"edit": "setIds", "group": group, "ids": ids}:
            _group(state_dict, group)["params"] = value(ids)
        case {"edit": "addGroup", "options": options, "ids": ids}:
            group = {key: value(node) for key, node in options}
            _part(state_dict, "param_groups").append({**group, "params": value(ids)})
        case {"edit": "removeGroup", "group": group}:
            _group(state_dict, group)
            del _part(state_dict, "param_groups")[group]
        case {"edit": "renameState", "from": old, "to": new}:
            state_dict["state"] = _renamed(_part(state_dict, "state"), value(old), value(new))
        case {"edit": "removeState", "id": key}:
            _part(state_dict, "state").pop(value(key), None)
        case {"edit": "setState", "id": entry, "key": key, "value": node}:
            _part(state_dict, "state").setdefault(value(entry), {})[key] = value(node)
        case {"edit": "removeStateKey", "id": entry, "key": key}:
            _part(state_dict, "state").get(value(entry), {}).pop(key, None)
        case {"edit": "reorderState", "ids": ids}:
            state_dict["state"] = _reordered(_part(state_dict, "state"), value(ids))
        case {"edit": "removeKey", "key": key}:
            state_dict.pop(key, None)
        case {"edit": "setKey", "key": key, "value": node}:
            state_dict[key] = value(node)
        case _:
            raise AssertionError(f"unchecked edit {edit!r}")


def _part(state_dict: StateDict, key: str) -> Any:
    if key not in state_dict:
        raise BadProgram("state dict", f"it has no {key!r} any more")
    return state_dict[key]


def _group(state_dict: StateDict, index: int) -> dict[str, Any]:
    groups = _part(state_dict, "param_groups")
    if index >= len(groups):
        raise BadProgram("group", f"there is no group {index}, only {len(groups)}")
    return groups[index]


def _renamed(state: dict[Any, Any], old: Any, new: Any) -> dict[Any, Any]:
    """The entry keeps its place; one that was filed under the new name is dropped."""
    if old not in state or old == new:
        return state
    return {new if key == old else key: entry for key, entry in state.items() if key != new}


def _reordered(state: dict[Any, Any], ids: list[Any]) -> dict[Any, Any]:
    """The named entries first, in that order; the others follow as they were."""
    first = {key: state[key] for key in ids if key in state}
    return {**first, **state}
