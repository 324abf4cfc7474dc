"""A wire that a test can cut: whoever connects to it is connected on, until it is cut."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress


class Link:
    """Forwards TCP to one address."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.is_cut = False
        self.local_port = 0
        self._open: set[asyncio.StreamWriter] = set()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Drop every connection, and refuse new ones until the end of the block."""
        self.is_cut = True
        for writer in list(self._open):
            writer.transport.abort()
        try:
            yield
        finally:
            self.is_cut = False

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        self._open |= {writer, far_writer}
        with suppress(OSError):
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        for each in (writer, far_writer):
            self._open.discard(each)
            each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def linked(host: str, port: int) -> AsyncIterator[Link]:
    link = Link(host, port)
    server = await asyncio.start_server(link.connect, "127.0.0.1", 0)
    link.local_port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        with link.cut():
            server.close()
