"""Where the service listens, and who may connect.

Without keys it is local: the loopback interface, or a socket file of the user's own.
"""

import ipaddress
import os
from pathlib import Path

import zmq
import zmq.asyncio
import zmq.auth
from zmq.auth.asyncio import AsyncioAuthenticator

from torch_oracle.limits import MAX_FRAME_BYTES


def check_endpoint(endpoint: str, secure: bool) -> None:
    """Passes an endpoint that the service may bind.

    Raises:
        ValueError: it is of another transport, or others could reach it without keys.
    """
    transport, separator, address = endpoint.partition("://")
    if not separator or transport not in ("tcp", "ipc") or not address:
        raise ValueError(f"cannot bind {endpoint!r}: write tcp://127.0.0.1:PORT or ipc://PATH")
    if transport == "tcp" and not secure and not _is_loopback(address.rpartition(":")[0]):
        raise ValueError(
            f"{endpoint} can be reached from other machines: bind tcp://127.0.0.1:PORT, or give "
            "--curve-server-secret-key-file and --curve-allowed-keys-dir"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def open_router(context: zmq.asyncio.Context) -> zmq.asyncio.Socket:
    """A ROUTER socket with the service's limits, not yet bound."""
    router = context.socket(zmq.ROUTER)
    router.maxmsgsize = MAX_FRAME_BYTES
    router.linger = 1000  # ms, so that the last reply still leaves
    router.sndhwm = 0  # a ROUTER drops what a caller that reads slowly has no room for
    return router


def secure(
    router: zmq.asyncio.Socket, context: zmq.asyncio.Context, secret_key_file: Path, allowed_keys: Path
) -> AsyncioAuthenticator:
    """Makes a socket speak CURVE, with the callers alone whose public keys lie in a folder.

    Returns:
        The authenticator, started; to be stopped at the end.

    Raises:
        ValueError: the keys cannot be read, or no caller is allowed.
    """
    try:
        public, secret = zmq.auth.load_certificate(secret_key_file)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the key in {secret_key_file}: {error}") from error
    if secret is None:
        raise ValueError(f"{secret_key_file} holds no secret key: name the file that ends in .key_secret")
    if not list(allowed_keys.glob("*.key")):
        raise ValueError(
            f"no caller is allowed: {allowed_keys} holds no public key, a file that ends in .key"
        )
    authenticator = AsyncioAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve(domain="*", location=allowed_keys)
    router.curve_publickey = public
    router.curve_secretkey = secret
    router.curve_server = True
    return authenticator


def bind(router: zmq.asyncio.Socket, endpoint: str) -> str:
    """Binds; the endpoint with its port resolved.

    Raises:
        ValueError: the system refuses.
    """
    usual = os.umask(0o077)  # a socket file is for its user alone
    router.ipv6 = "[" in endpoint
    try:
        router.bind(endpoint)
    except zmq.ZMQError as error:
        raise ValueError(f"cannot bind {endpoint}: {error}") from error
    finally:
        os.umask(usual)
    return router.get_string(zmq.LAST_ENDPOINT).rstrip("\0")
