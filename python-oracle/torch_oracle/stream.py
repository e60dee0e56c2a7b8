"""Messages between the server and a worker: msgpack, after its length."""

import struct
from io import BufferedRWPair
from typing import Any

from torch_oracle.packing import pack, unpack

LENGTH = struct.Struct("<Q")


def send(stream: BufferedRWPair, content: Any) -> None:
    """Writes one message."""
    body = pack(content)
    stream.write(LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: BufferedRWPair) -> Any:
    """The next message; None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return unpack(stream.read(*LENGTH.unpack(head)))
