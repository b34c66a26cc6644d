"""The sandbox's Bot API in this process without a socket: a call is a function, a cut line an exception of httpx."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
from telegram.error import NetworkError
from telegram.request import BaseRequest

from bot.sandbox import calls
from bot.sandbox.arguments import Upload
from bot.sandbox.schema import BY_LOWER_NAME

if TYPE_CHECKING:
    from telegram.request import RequestData

    from bot.sandbox.state import State


class NearbyRequest(BaseRequest):
    """What python-telegram-bot sends goes straight to the sandbox's state, with the faults planted there."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state

    @property
    def read_timeout(self) -> float | None:
        return 5.0

    async def initialize(self) -> None:
        """Nothing is opened."""

    async def shutdown(self) -> None:
        """Nothing is closed."""

    async def do_request(
        self,
        url: str,
        method: str,  # noqa: ARG002 - the library's own signature
        request_data: RequestData | None = None,
        *_: Any,
        **_more: Any,
    ) -> tuple[int, bytes]:
        given: dict[str, Any] = dict(request_data.json_parameters) if request_data is not None else {}
        files = (request_data.multipart_data if request_data is not None else None) or {}
        given |= {name: Upload(file[0], file[1]) for name, file in files.items()}
        named = BY_LOWER_NAME[url.rpartition("/")[2].lower()]
        answer = await calls.made(self.state, named, calls.attached(given))
        if isinstance(answer, calls.HangUp):
            cut = httpx.RemoteProtocolError("Server disconnected without sending a response.")
            raise NetworkError(f"httpx.RemoteProtocolError: {cut}") from cut
        return answer.status_code, bytes(answer.body)


def poller(state: State, loop: asyncio.AbstractEventLoop) -> httpx.Client:
    """A client whose getUpdates reaches the same state."""

    def answer(request: httpx.Request) -> httpx.Response:
        given = json.loads(request.content or b"{}")
        made = asyncio.run_coroutine_threadsafe(calls.made(state, "getUpdates", given), loop).result(30)
        if isinstance(made, calls.HangUp):
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return httpx.Response(made.status_code, content=bytes(made.body))

    return httpx.Client(transport=httpx.MockTransport(answer))
