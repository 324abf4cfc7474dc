"""What is not HTTP, or can be read in two ways, is refused by a problem, and hung up on."""

from contextlib import AsyncExitStack

import pytest

from tests.shared.sockets import HEAD, KIND, connected


@pytest.mark.parametrize(
    "request_line",
    [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n: x\r\n\r\n",
     b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ids=["nonsense", "version", "path", "header", "connect", "tls"],
)  # fmt: skip
async def test_what_is_not_http_is_refused_by_a_problem(
    address: tuple[str, int], stack: AsyncExitStack, request_line: bytes
) -> None:
    client = await connected(stack, address)
    await client.say(request_line)
    await client.is_refused(400, "malformed_request")


@pytest.mark.parametrize(
    "length",
    ["Content-Length: -1", "Content-Length: x", "Content-Length: 1\r\nContent-Length: 2", "Content-Length: 1e3",
     "Content-Length: 99999999999999999999999", "Transfer-Encoding: gzip",
     "Transfer-Encoding: chunked\r\nContent-Length: 1"],
)  # fmt: skip
async def test_a_length_that_can_be_read_in_two_ways_or_none_is_refused(
    address: tuple[str, int], stack: AsyncExitStack, length: str
) -> None:
    client = await connected(stack, address)
    await client.say(KIND + length.encode() + b"\r\n\r\n0")
    await client.is_refused(400, "malformed_request")


async def test_a_broken_chunk_is_refused_once(address: tuple[str, int], stack: AsyncExitStack) -> None:
    client = await connected(stack, address)
    await client.say(KIND + b"Transfer-Encoding: chunked\r\n\r\n")
    await client.say(b"3\r\nabc\r\nnonsense\r\n")
    await client.is_refused(400, "malformed_request")


@pytest.mark.parametrize("kind", ["one long header", "many headers", "trailers"])
async def test_headers_without_end_are_refused(address: tuple[str, int], stack: AsyncExitStack, kind: str) -> None:
    client = await connected(stack, address)
    begin, more = {
        "one long header": (HEAD + b"X: ", b"x" * 10_000),
        "many headers": (HEAD, b"X: y\r\n" * 2_000),
        "trailers": (
            KIND + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 2_000,
        ),
    }[kind]  # fmt: skip
    await client.say(begin)
    for _ in range(8):
        client.writer.write(more)
    await client.is_refused(431, "head_too_large")
