"""Choosing TCP ports on the loopback interface."""

import random
import socket
from collections.abc import Iterable, Mapping

# Below the range from which Linux and macOS take the ports of outgoing connections.
PRIVATE = range(20000, 32000)
_chosen: set[int] = set()


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1, nor on all addresses."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return False  # macOS would let us bind beside a listener on all addresses
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(besides: Iterable[int] = ()) -> int:
    """A port that nobody listens on, and none of `besides`. Until this process ends nobody else is given it here:
    between being found and being listened on lies a start of seconds."""
    taken = {*besides, *_chosen}
    sample = random.sample(PRIVATE, len(PRIVATE))
    return next(port for port in sample if port not in taken and is_free(port) and _choose(port))


def _choose(port: int) -> bool:
    """Whether no other process has chosen it: who has it, has the UDP port of its number, which nobody uses."""
    token = socket.socket(type=socket.SOCK_DGRAM)
    try:
        token.bind(("127.0.0.1", port))
    except OSError:
        token.close()
        return False
    # It stays open until the process ends: nobody refers to it any more.
    token.detach()
    _chosen.add(port)
    return True


def first_free(wanted: int) -> int:
    """The wanted port, or the next one above it that is free."""
    return next(port for port in range(wanted, 65536) if is_free(port))


def assign(names: Iterable[str], remembered: Mapping[str, int]) -> dict[str, int]:
    """A port for each name: the one it had, or another if somebody else has taken that meanwhile."""
    ports: dict[str, int] = {}
    for name in names:
        port = remembered.get(name)
        if port is None or port in ports.values() or not is_free(port):
            port = free_port({*ports.values(), *remembered.values()})
        ports[name] = port
    return ports
