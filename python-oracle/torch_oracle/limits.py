"""How much one caller may ask for. A message beyond these is refused, with TOO_LARGE or TOO_DEEP."""

MAX_HEADER_BYTES = 16 << 20
MAX_MESSAGE_BYTES = 256 << 20
MAX_FRAME_BYTES = 512 << 20
"""What ZeroMQ itself refuses, by closing the connection, before it is held in memory."""

MAX_FRAMES = 1 << 16
MAX_PROGRAMS = 1 << 14
MAX_DEPTH = 64
MAX_ELEMENTS = 1 << 31
MAX_DIMENSIONS = 32
MAX_PROGRAM_BYTES = 256 << 20
"""Bytes of a program's parameters, each counted as often as it is used."""

MAX_TRACE_BYTES = 1 << 30
"""Of its tensors and of its header, together."""

JOB_SECONDS = 120
"""How long one program may keep a worker. A worker that takes longer ends itself."""

REQUESTS_IN_FLIGHT = 256
"""How many requests are worked on at once; more wait in the socket."""
