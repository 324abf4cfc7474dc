"""An answer that goes on for hours needs no task: whoever has begun it writes the rest to the bare connection."""

import asyncio

# By this name in `scope["extensions"]` an application gives what it has begun to answer to a `Successor`.
HANDOVER = "purser.handover"
LAST_CHUNK = b"0\r\n\r\n"


def chunk(body: bytes) -> bytes:
    """A part of an answer whose length nobody knows yet."""
    return b"%x\r\n%b\r\n" % (len(body), body)


class Successor(asyncio.Protocol):
    """Writes the rest of an answer in chunks. Its end is the connection's."""

    __slots__ = ("_connections", "_transport")

    _connections: set[object]
    _transport: asyncio.Transport

    def succeed(self, transport: asyncio.Transport, connections: set[object]) -> None:
        """The connection is this one's, and is among those that the process waits for when told to stop."""
        self._transport, self._connections = transport, connections
        connections.add(self)
        transport.set_protocol(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def shutdown(self) -> None:
        """The process is told to stop."""
        raise NotImplementedError
