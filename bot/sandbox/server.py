"""The sandbox as a server: the application, its two listeners (Bot API and control) and the thread they live in.

The Bot API listener can be closed and opened again on the same port (`offline`, `online`) while control stays up.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from bot.sandbox import calls, control
from bot.sandbox.client import SandboxClient
from bot.sandbox.limits import Rates
from bot.sandbox.state import TOKEN, State
from bot.sandbox.updates import post_updates

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


_START_SECONDS = 10.0
_IDLE_SECONDS = 3600


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also tells the application the connection a request came by."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def _loopback_socket(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on sockets that name their protocol: without it each answer waits 40 ms for an ACK
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock


def _refuse_taken(port: int) -> None:
    """OSError when somebody has this port: sharing it, which SO_REUSEPORT allows, would split the calls."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


class _Listeners:
    """The Bot API port, which can go away, and the control port, which stays. Used from the sandbox's loop only."""

    def __init__(self, app: Starlette, port: int) -> None:
        self._config = uvicorn.Config(
            app, http=_Protocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=_IDLE_SECONDS
        )
        self._config.load()
        if port:
            _refuse_taken(port)
        # Never listening, this one keeps the port ours while we are offline.
        self._holder = _loopback_socket(port)
        self._control_socket = _loopback_socket(0)
        self.api_port: int = self._holder.getsockname()[1]
        self.control_port: int = self._control_socket.getsockname()[1]
        self._api = ServerState()
        self._control = ServerState()
        self._api_server: asyncio.Server | None = None
        self._control_server: asyncio.Server | None = None

    async def start(self) -> None:
        self._control_server = await self._listen(self._control_socket, self._control)
        await self.online()

    async def _listen(self, sock: socket.socket, state: ServerState) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Protocol(self._config, state, {}), sock=sock, backlog=256)

    async def online(self) -> None:
        if self._api_server is None:
            self._api_server = await self._listen(_loopback_socket(self.api_port), self._api)

    async def offline(self) -> None:
        if self._api_server is not None:
            self._api_server.close()
            self._api_server = None
        _abort(self._api)
        await asyncio.sleep(0)  # an aborted connection is closed at the loop's next turn: nobody finds it half there

    async def stop(self) -> None:
        await self.offline()
        if self._control_server is not None:
            self._control_server.close()
        _abort(self._control)
        self._holder.close()
        tasks = {*self._api.tasks, *self._control.tasks}
        if tasks:
            await asyncio.wait(tasks, timeout=1)


def _abort(state: ServerState) -> None:
    for connection in list(state.connections):
        connection.transport.abort()


class Sandbox:
    """A Bot API server in this process, in a thread and a loop of its own; a context manager.

    `now` dates messages (called in the sandbox's thread); `limits` turns the rates on, measured by `monotonic`.
    Give python-telegram-bot `base_url=f"{sandbox.base_url}/bot"` and `base_file_url=f"{sandbox.base_url}/file/bot"`.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] | None = None,
        limits: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        port: int = 0,
        token: str = TOKEN,
    ) -> None:
        self.token = token
        self._now = now or (lambda: datetime.now(UTC))
        self._rates = Rates(monotonic) if limits else None
        self._port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._ports = (0, 0)

    @property
    def base_url(self) -> str:
        """Where the Bot API listens."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def control_url(self) -> str:
        """Where `SandboxClient` connects."""
        return f"http://127.0.0.1:{self._ports[1]}/control"

    def client(self) -> SandboxClient:
        """A client of the control side; close it or use it as a context manager."""
        return SandboxClient(self.control_url)

    def start(self) -> Self:
        """Listen on free loopback ports and return once both accept connections."""
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError("the sandbox did not start")
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Close every connection and forget everything; harmless when it is not running."""
        if self._thread is None or self._loop is None or self._leaving is None:
            return
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(_START_SECONDS)
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 - handed to the thread that called start()
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        state = State(clock=self._now, rates=self._rates, token=self.token)
        app = Starlette(
            routes=[
                *control.ROUTES,
                Route("/bot{token}/{method}", calls.call, methods=["GET", "POST"]),
                Route("/file/bot{token}/{path:path}", calls.download, methods=["GET"]),
            ]
        )
        listeners = _Listeners(app, self._port)
        app.state.sandbox = state
        app.state.listeners = listeners
        self._loop, self._leaving = asyncio.get_running_loop(), asyncio.Event()
        await listeners.start()
        self._ports = (listeners.api_port, listeners.control_port)
        poster = asyncio.create_task(post_updates(state))
        self._ready.set()
        await self._leaving.wait()
        state.closing = True
        state.ring()
        poster.cancel()
        await listeners.stop()
