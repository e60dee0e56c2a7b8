"""The oracle: torch.optim behind a ZeroMQ socket, as conformance/PROTOCOL.md describes it."""

PROTOCOL = 1
"""The version of the wire protocol that this package speaks."""
