"""Connections with an end to patience, and an orderly end: uvicorn itself waits for ever for who sends or reads a byte
now and then, and when told to stop hangs up on who is just about to ask."""

import asyncio
import socket
from typing import Any

from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.handover import HANDOVER, Successor
from shared.problems import HANDLERS, problem

# Within this a request's head must be there, and within as much again its body.
SENDING_SECONDS = 10.0
# What is not a body: the head above all.
LARGEST_HEAD_BYTES = 64_000
# Within this so much of an answer must be taken, or all of it.
READING_SECONDS = 20.0
LEAST_READ_BYTES = 16_000
# What the kernel keeps of an answer that was not even sent.
UNSENT_BYTES = 64_000
# What is sent together, at most.
TOGETHER_BYTES = 16_000
# When told to stop: whoever keeps an unused connection for less time than this never asks on one that is hung up.
KEPT_SECONDS = 1.5


class _Together:
    """A transport that sends at once what is written in one turn of the loop: uvicorn writes an answer's head and its
    body one after the other, and each call of the kernel is a twentieth of what a request costs."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > TOGETHER_BYTES:
            self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def alone(self) -> asyncio.Transport:
        """Itself, when nothing waits any more."""
        self._send()
        return self._transport

    def _send(self) -> None:
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self._waiting.clear()
            self._waiting_bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Connection(HttpToolsProtocol):
    """Hangs up on a client that is too slow, and refuses what is not HTTP by a problem."""

    _receiving: asyncio.TimerHandle | None = None
    _sending: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Together(transport, self.loop))  # type: ignore[arg-type]
        # Whatever the kernel does not take at once is waited for, and not added to.
        transport.set_write_buffer_limits(high=0)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timers()
        super().connection_lost(exc)

    def _forget_timers(self) -> None:
        for timer in (self._receiving, self._sending):
            if timer is not None:
                timer.cancel()

    # --- What comes in ------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        if self._receiving is None:
            self._expect()
        super().data_received(data)
        if self._head_bytes > LARGEST_HEAD_BYTES:
            self._refuse(431, "head_too_large", f"A request's headers may have {LARGEST_HEAD_BYTES} bytes at most.")

    def on_headers_complete(self) -> None:
        self._expect()
        self.scope["extensions"] = {HANDOVER: self._hand_over}  # type: ignore[dict-item]
        super().on_headers_complete()
        if self._is_ending:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._head_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        self._expect_nothing()
        super().on_message_complete()

    def _expect(self) -> None:
        self._expect_nothing()
        self._receiving = self.loop.call_later(SENDING_SECONDS, self._give_up)

    def _expect_nothing(self) -> None:
        if self._receiving is not None:
            self._receiving.cancel()
            self._receiving = None

    def _give_up(self) -> None:
        if self.flow.read_paused:
            # It is we who do not read.
            self._expect()
        else:
            self._refuse(408, "request_too_slow", "The request did not come to its end in time.")

    # --- What goes out ------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_again()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._sending is not None:
            self._sending.cancel()

    def _look_again(self) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        self._sending = self.loop.call_later(READING_SECONDS, self._hang_up_unless_read, left_bytes)

    def _hang_up_unless_read(self, left_bytes: int) -> None:
        if left_bytes - self.transport.get_write_buffer_size() < LEAST_READ_BYTES:
            self.transport.abort()
        else:
            self._look_again()

    # --- The end ------------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """Told to stop: the next answer on this connection is the last, and says so. Where nothing was asked it is kept
        for a moment: a question may be on its way."""
        if self.cycle is not None and not self.cycle.response_complete:
            super().shutdown()
        else:
            self.loop.call_later(KEPT_SECONDS, super().shutdown)
        self._is_ending = True

    async def _hand_over(self, successor: Successor) -> bool:
        """Give the connection away, unless it is lost by now."""
        transport: asyncio.Transport = self.transport.alone()  # type: ignore[attr-defined]
        await self.flow.drain()
        if self.cycle.disconnected:
            return False
        # uvicorn expects nothing more of the application; and what refers to the request goes with its task.
        self.cycle.disconnected = True
        self._forget_timers()
        self.connections.discard(self)
        self.parser = self.scope = None  # type: ignore[assignment]
        self.flow.resume_reading()
        successor.succeed(transport, self.connections)  # type: ignore[arg-type]
        if self._is_ending:
            successor.shutdown()
        return True

    # --- Refusals -----------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "malformed_request", "This is not HTTP as it should be.")

    def _refuse(self, status: int, code: str, sentence: str) -> None:
        """Hang up, and say why where nothing else is being answered, and there was something to answer."""
        answered = self.cycle is not None and not self.cycle.response_complete
        if answered and not self.pipeline and self.cycle.more_body and not self.cycle.response_started:
            # The application is still waiting for the rest, and shall not answer as well.
            self.cycle.disconnected = True
            answered = False
        if self._head_bytes and not answered and not self.transport.is_closing():
            self.transport.write(_as_bytes(problem(status, code, sentence)))
        self.transport.close()


def _as_bytes(answer: Response) -> bytes:
    headers = [*answer.raw_headers, (b"connection", b"close")]
    return (
        STATUS_LINE[answer.status_code]
        + b"".join(b"%s: %s\r\n" % pair for pair in headers)
        + b"\r\n"
        + bytes(answer.body)
    )


class LastWords:
    """Answers by a problem what is broken off because the process stops, which uvicorn would answer as plain text, and
    what a bug breaks off, which Starlette would answer outside of all middleware, without the request's id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except asyncio.CancelledError:
            sentence = "This process was told to stop before it had done this: send it again with the same key."
            if not begun:
                await problem(503, "stopping", sentence, {"Retry-After": "1"})(scope, receive, send)
        except Exception as error:
            if begun:
                raise
            answer = await HANDLERS[Exception](Request(scope), error)
            await answer(scope, receive, send)
