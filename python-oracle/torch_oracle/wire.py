"""Messages: a msgpack header frame, then one raw frame a tensor (PROTOCOL.md, "Wire")."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack

from torch_oracle import PROTOCOL, limits
from torch_oracle.errors import BadProgram, OracleError
from torch_oracle.form import check_tensors, tensor_bytes
from torch_oracle.packing import pack, unpack

KINDS = ("exact", "foreach", "torch", "truth")
FORMATS = ("pt", "pt-legacy", "safetensors")


@dataclass
class Job:
    """A program with the bytes of its tensors; the rest of its form is checked where it runs."""

    program: dict[str, Any]
    frames: list[bytes]


@dataclass
class Hello:
    """Asks who the oracle is."""


@dataclass
class Bye:
    """Says that the caller is done."""


@dataclass
class Run:
    """Asks for the traces of programs, of each of the kinds in `want`."""

    want: list[str]
    profile: dict[str, Any]
    jobs: list[Job]


@dataclass
class Files:
    """Asks for files, or what is in them.

    Args:
        task: save or load.
        shared: what the request says of all items.
        items: each with its frames.
    """

    task: str
    shared: dict[str, Any]
    items: list[tuple[dict[str, Any], list[bytes]]]


def read_header(frames: list[bytes]) -> dict[str, Any]:
    """The header of a message.

    Raises:
        OracleError: TOO_LARGE, TOO_DEEP or MALFORMED.
    """
    if not frames or not frames[0]:
        raise OracleError("MALFORMED", "the first frame must be a msgpack header (send from a DEALER socket)")
    if len(frames) > limits.MAX_FRAMES:
        raise OracleError("TOO_LARGE", f"{len(frames)} frames, and at most {limits.MAX_FRAMES} are read")
    if len(frames[0]) > limits.MAX_HEADER_BYTES:
        most = limits.MAX_HEADER_BYTES
        raise OracleError("TOO_LARGE", f"a header of {len(frames[0])} bytes, and at most {most} are read")
    if (size := sum(map(len, frames))) > limits.MAX_MESSAGE_BYTES:
        most = limits.MAX_MESSAGE_BYTES
        raise OracleError("TOO_LARGE", f"a message of {size} bytes, and at most {most} are read")
    try:
        header = unpack(frames[0])
    except msgpack.StackError:
        raise OracleError("TOO_DEEP", _TOO_DEEP) from None
    except Exception as error:  # its errors are of many classes, and all mean this
        raise OracleError("MALFORMED", f"the header is not msgpack: {error}") from None
    if not isinstance(header, dict):
        raise OracleError("MALFORMED", "the header must be a map")
    _check_depth(header)
    return header


def header_id(header: dict[str, Any]) -> int:
    """The caller's id."""
    number = header.get("id")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1 << 32:
        raise OracleError("MALFORMED", "id: must be an unsigned 32-bit integer")
    return number


def read_request(header: dict[str, Any], frames: list[bytes]) -> Hello | Bye | Run | Files:
    """What a message asks for; `frames` are those after the header."""
    match header.get("type"):
        case "hello":
            _check_fields(header, {"protocol"})
            _check_frame_count(frames, 0)
            if header["protocol"] != PROTOCOL:
                raise OracleError("VERSION", f"this oracle speaks protocol {PROTOCOL}")
            return Hello()
        case "bye":
            _check_fields(header, set())
            _check_frame_count(frames, 0)
            return Bye()
        case "run":
            _check_fields(header, {"want", "programs"}, {"profile"})
            profile = _profile(header.get("profile", {}))
            return Run(_kinds(header["want"]), profile, _jobs(header["programs"], frames))
        case "save":
            _check_fields(header, {"format", "items"})
            if header["format"] not in FORMATS:
                raise OracleError("MALFORMED", f"format: must be one of {', '.join(FORMATS)}")
            return Files("save", {"format": header["format"]}, _items(header["items"], frames, _save_frames))
        case "load":
            _check_fields(header, {"items"})
            return Files("load", {}, _items(header["items"], frames, _load_frames))
    raise OracleError("UNKNOWN_TYPE", "type: must be hello, run, save, load or bye")


def message(header: dict[str, Any], frames: list[bytes] | None = None) -> list[bytes]:
    """The frames of a message."""
    return [pack(header), *(frames or [])]


_TOO_DEEP = f"the header is nested deeper than {limits.MAX_DEPTH} levels"


def _check_depth(header: dict[str, Any]) -> None:
    level: list[Any] = [header]
    for _ in range(limits.MAX_DEPTH):
        children: list[Any] = []
        for node in level:
            children.extend(node.values() if isinstance(node, dict) else node)
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise OracleError("TOO_DEEP", _TOO_DEEP)


def _check_fields(
    header: dict[str, Any], required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> None:
    present = header.keys() - {"type", "id"}
    if missing := required - present:
        raise OracleError("MALFORMED", f"the header lacks {', '.join(sorted(missing))}")
    if unknown := present - required - optional:
        raise OracleError(
            "MALFORMED", f"the header has unknown fields: {', '.join(sorted(map(str, unknown)))}"
        )


def _check_frame_count(frames: list[bytes], expected: int) -> None:
    if len(frames) != expected:
        problem = f"there are {expected} tensors, but {len(frames)} frames follow the header"
        raise OracleError("MALFORMED", problem)


def _kinds(want: Any) -> list[str]:
    if not isinstance(want, list) or not want or any(kind not in KINDS for kind in want):
        raise OracleError("MALFORMED", f"want: must be a list with one or more of {', '.join(KINDS)}")
    return [kind for kind in KINDS if kind in want]


def _profile(profile: Any) -> dict[str, Any]:
    if not isinstance(profile, dict) or profile.keys() - {"root", "flush"}:
        raise OracleError("MALFORMED", "profile: must be an object with root and flush")
    root, flush = profile.get("root", 2), profile.get("flush", False)
    if isinstance(root, bool) or not isinstance(root, int | float) or not 0 <= root <= 1024:
        raise OracleError("MALFORMED", "profile.root: must be a number of units u, from 0 to 1024")
    if not isinstance(flush, bool):
        raise OracleError("MALFORMED", "profile.flush: must be true or false")
    return {"root": float(root), "flush": flush}


def _jobs(programs: Any, frames: list[bytes]) -> list[Job]:
    if not isinstance(programs, list):
        raise OracleError("MALFORMED", "programs: must be a list")
    if len(programs) > limits.MAX_PROGRAMS:
        most = limits.MAX_PROGRAMS
        raise OracleError("TOO_LARGE", f"programs: {len(programs)} programs, and at most {most} are run")
    jobs = []
    used = 0
    for number, program in enumerate(programs):
        path = f"programs[{number}]"
        if not isinstance(program, dict):
            raise OracleError("MALFORMED", f"{path}: must be an object")
        entries: Any = program.get("tensors")
        try:
            check_tensors(entries, f"{path}.tensors")
        except BadProgram as error:
            raise OracleError("MALFORMED", error.message) from None
        own = frames[used : used + len(entries)]
        for position, (entry, frame) in enumerate(zip(entries, own, strict=False)):
            if len(frame) != (size := tensor_bytes(entry)):
                problem = f"its frame must have {size} bytes, but has {len(frame)}"
                raise OracleError("MALFORMED", f"{path}.tensors[{position}]: {problem}")
        jobs.append(Job(program, own))
        used += len(entries)
    _check_frame_count(frames, used)
    return jobs


def _items(
    items: Any, frames: list[bytes], sizes: Callable[[Any, str], list[int | None]]
) -> list[tuple[dict[str, Any], list[bytes]]]:
    """Items with their frames.

    Args:
        sizes: checks an item at a path, and gives the bytes of each of its frames; None where any will do.
    """
    if not isinstance(items, list):
        raise OracleError("MALFORMED", "items: must be a list")
    pairs = []
    used = 0
    for number, item in enumerate(items):
        path = f"items[{number}]"
        expected = sizes(item, path)
        own = frames[used : used + len(expected)]
        for position, (size, frame) in enumerate(zip(expected, own, strict=False)):
            if size is not None and len(frame) != size:
                problem = f"its frame must have {size} bytes, but has {len(frame)}"
                raise OracleError("MALFORMED", f"{path}.storages[{position}]: {problem}")
        pairs.append((item, own))
        used += len(expected)
    _check_frame_count(frames, used)
    return pairs


def _save_frames(item: Any, path: str) -> list[int | None]:
    match item:
        case {"catalogue": str(), **rest} if not rest:
            return []
        case {"value": _, "tensors": list(), "storages": list(sizes), **rest} if not rest:
            if all(type(size) is int and size >= 0 for size in sizes):
                return list(sizes)
    problem = "must be {catalogue: name} or a description, {value, tensors, storages: [sizes]}"
    raise OracleError("MALFORMED", f"{path}: {problem}")


def _load_frames(item: Any, path: str) -> list[int | None]:
    match item:
        case {"mmap": bool(), "resume": str(), **rest} | {"mmap": bool(), **rest} if not rest:
            return [None]
    raise OracleError("MALFORMED", f"{path}: must be {{mmap: true or false, resume?: name}}")
