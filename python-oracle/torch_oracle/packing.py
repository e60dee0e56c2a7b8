"""msgpack, typed: its own package does not say what it returns."""

from typing import Any

import msgpack


def pack(content: Any) -> bytes:
    """The bytes of what msgpack can hold."""
    packed = msgpack.packb(content)
    assert packed is not None
    return packed


def unpack(data: bytes) -> Any:
    """What the bytes hold. Raises errors of many classes where they are not msgpack."""
    return msgpack.unpackb(data)
