"""The door of the Bot API: what comes by HTTP becomes a call, its outcome an answer, or the planted fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from bot.sandbox.arguments import Upload, read_arguments
from bot.sandbox.faults import REFUSALS, FaultKind, next_fault
from bot.sandbox.limits import UPLOAD_BYTES
from bot.sandbox.methods import HANDLERS
from bot.sandbox.refusals import ApiError, bad_request
from bot.sandbox.schema import BY_LOWER_NAME

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from bot.sandbox.faults import Fault
    from bot.sandbox.state import Json, State

_BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx/1.18.0</body>\r\n</html>\r\n"


class HangUp(Response):
    """No answer at all: the connection is closed, and the client can not tell whether its call was carried out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the connection."""
        del send
        scope["state"]["transport"].close()
        while (await receive())["type"] != "http.disconnect":
            pass


async def _read(request: Request) -> Json:
    """All parameters of a call: query, then form, multipart or JSON body."""
    given: Json = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise bad_request("can't parse JSON object") from None
        if not isinstance(body, dict):
            raise bad_request("object expected")
        given |= body
    elif kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        form = await request.form(max_part_size=UPLOAD_BYTES)
        for name, value in form.multi_items():
            is_file = isinstance(value, UploadFile)
            given[name] = Upload(value.filename or name, await value.read()) if is_file else value  # type: ignore[union-attr]
    return attached(given)


def attached(given: Json) -> Json:
    """Put uploaded files where `attach://name` stands for them."""
    uploads = {f"attach://{name}": value for name, value in given.items() if isinstance(value, Upload)}
    used: set[str] = set()

    def resolved(value: Any) -> Any:
        if isinstance(value, str) and value in uploads:
            used.add(value)
            return uploads[value]
        return value

    whole = {name: resolved(value) for name, value in given.items()}
    media = whole.get("media")
    if isinstance(media, str):
        try:
            media = json.loads(media)
        except ValueError:
            raise bad_request("can't parse media JSON object") from None
    if isinstance(media, list):
        whole["media"] = [
            {name: resolved(value) for name, value in item.items()} if isinstance(item, dict) else item
            for item in media
        ]
    return {name: value for name, value in whole.items() if f"attach://{name}" not in used}


def _shown(value: Any) -> Any:
    """A parameter as the log of calls keeps it: files by name and size."""
    if isinstance(value, Upload):
        return {"file": value.name, "size": len(value.content)}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items()}
    return value


async def call(request: Request) -> Response:
    """A call of the Bot API: token, method, fault planted for it, arguments, act, answer; noted in the log."""
    state: State = request.app.state.sandbox
    method = BY_LOWER_NAME.get(request.path_params["method"].lower())
    token = request.path_params["token"]
    if token != state.token:
        well_formed = token.partition(":")[0].isdecimal() and ":" in token
        return _answer(ApiError(401, "Unauthorized") if well_formed else ApiError(404, "Not Found"))
    if method is None:
        return _answer(ApiError(404, "Not Found"))
    try:
        given = await _read(request)
    except ApiError as error:
        _note(state, _begun(state, method), error)
        return _answer(error)
    return await made(state, method, given)


def _begun(state: State, method: str) -> Json:
    entry: Json = {"method": method, "params": {}, "fault": None}
    entry |= {"seq": state.next_seq(), "at": state.now().isoformat()}
    state.calls.append(entry)
    state.ring()
    return entry


async def made(state: State, method: str, given: Json) -> Response:
    """What a call whose parameters are read is answered; `HangUp` means that the line is cut."""
    entry = _begun(state, method)
    try:
        entry["params"] = {name: _shown(value) for name, value in given.items()}
        fault = next_fault(state, method, given.get("chat_id"))
        if fault is None:
            return _answer(await _perform(state, method, given, entry))
        entry["fault"] = str(fault.kind)
        return await _misbehave(state, fault, method, given, entry)
    except ApiError as error:
        _note(state, entry, error)
        return _answer(error)


async def _perform(state: State, method: str, given: Json, entry: Json) -> Any:
    """Carry the call out and note how it went."""
    arguments = read_arguments(method, given)
    entry["params"] = {name: _shown(value) for name, value in arguments.items()}
    result = await HANDLERS[method](state, arguments)
    _note(state, entry, result)
    return result


def _note(state: State, entry: Json, outcome: Any) -> None:
    if isinstance(outcome, ApiError):
        entry |= {"code": outcome.code, "description": outcome.description, "result": None}
    else:
        entry |= {"code": 200, "description": "", "result": outcome}
    state.ring()


async def _misbehave(state: State, fault: Fault, method: str, given: Json, entry: Json) -> Response:
    if fault.kind in REFUSALS:
        raise fault.refusal()
    if fault.kind is FaultKind.BAD_GATEWAY:
        _note(state, entry, ApiError(502, "Bad Gateway"))
        return Response(_BAD_GATEWAY, status_code=502, media_type="text/html")
    if fault.kind is FaultKind.DROP_BEFORE:
        _note(state, entry, ApiError(0, "dropped before it was done"))
        return HangUp()
    if fault.kind is FaultKind.SLOW_BEFORE:
        await state.until(lambda: None, fault.seconds)
    try:
        outcome: Any = await _perform(state, method, given, entry)
    except ApiError as error:
        _note(state, entry, error)
        outcome = error
    if fault.kind is FaultKind.DROP_AFTER:
        return HangUp()
    if fault.kind is FaultKind.SLOW:
        await state.until(lambda: None, fault.seconds)
    return _answer(outcome)


def _answer(outcome: Any) -> Response:
    if isinstance(outcome, ApiError):
        return JSONResponse(outcome.as_json(), status_code=outcome.code)
    return JSONResponse({"ok": True, "result": outcome})


async def download(request: Request) -> Response:
    """The bytes of a file by the path that getFile gave; faults planted for "download" are met here."""
    state: State = request.app.state.sandbox
    if request.path_params["token"] != state.token:
        return _answer(ApiError(401, "Unauthorized"))
    fault = next_fault(state, "download", None)
    if fault is not None:
        if fault.kind in REFUSALS:
            return _answer(fault.refusal())
        return Response(_BAD_GATEWAY, status_code=502) if fault.kind is FaultKind.BAD_GATEWAY else HangUp()
    path = request.path_params["path"]
    stored = next((file for file in state.files.values() if file.path == path), None)
    if stored is None:
        return _answer(ApiError(404, "Not Found"))
    return Response(stored.content, media_type=stored.media_type)
