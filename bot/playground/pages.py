"""The playground's web application: one page, what it shows as JSON, what is done on it, and news as they happen.

It serves this machine only: requests that name another host, or come from another page, are refused. Whatever a
customer could have sent (files, HTML mails) is served so that it cannot run anything in the page.
"""

from __future__ import annotations

import io
import json
import mimetypes
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pypdfium2
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.demo.stage import StepFailed
from bot.playground import guide
from bot.playground.firm import FOLDER, WAITS, File, Firm, words
from bot.playground.mails import Attachment, Letter, Written, guessed
from bot.sandbox.client import SandboxRefused
from core.db import transaction

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from bot.sandbox.seen import Json, Seen

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: Of an HTML mail, which is shown in a frame: its own styles and pictures, nothing else, not even a link that opens.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
#: What a browser may show by itself; everything else is saved.
SHOWN = frozenset({"application/pdf", "image/png", "image/jpeg", "text/plain"})
NEWS_SECONDS = 1.0
PREVIEW_WIDTH = 520
LONGEST_FORM = 1 << 20

TEMPLATES = Environment(
    loader=PackageLoader("templates", "page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_pdfium = threading.Lock()  # the library is not safe to use from several threads


class _Door:
    """Refuses what another page of the same browser sends, and says what a browser may do with our answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin")
        if scope["method"] != "GET" and origin not in {None, f"http://{headers.get('host')}"}:
            return await Response("another page may not act here", status_code=403)(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                for name, value in _HEADERS:
                    if name not in names:
                        message["headers"].append((name, value))
            await send(message)

        return await self._app(scope, receive, guarded)


_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


def application(firm: Firm) -> Starlette:
    """The page of a firm."""
    routes = [
        Route("/", _index),
        Route("/page.css", _static("page.css", "text/css")),
        Route("/page.js", _static("page.js", "text/javascript")),
        Route("/mailbox.js", _static("mailbox.js", "text/javascript")),
        Route("/acts.js", _static("acts.js", "text/javascript")),
        Route("/news", _news),
        Route("/chats/{who}", _chat),
        Route("/chats/{who}/say", _say, methods=["POST"]),
        Route("/chats/{who}/edit", _edit, methods=["POST"]),
        Route("/chats/{who}/press", _press, methods=["POST"]),
        Route("/chats/{who}/files", _send, methods=["POST"]),
        Route("/chats/{who}/commands", _commands),
        Route("/files/{who}/{message:int}", _file),
        Route("/files/{who}/{message:int}/preview.png", _preview),
        Route("/mails", _letters),
        Route("/mails", _post, methods=["POST"]),
        Route("/mails/{key}", _letter),
        Route("/mails/{key}/page", _letter_page),
        Route("/mails/{key}/files/{number:int}", _letter_file),
        Route("/sample.pdf", _sample),
        Route("/clock", _clock, methods=["POST"]),
    ]
    door = [Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]), Middleware(_Door)]
    app = Starlette(routes=routes, middleware=door, exception_handlers=dict(_HANDLERS))
    app.state.firm = firm
    return app


def _firm(request: Request) -> Firm:
    firm: Firm = request.app.state.firm
    return firm


def _who(request: Request) -> str:
    who = str(request.path_params["who"])
    if who not in {player.key for player in _firm(request).players}:
        raise HTTPException(404)
    return who


async def _refused(_: Request, error: Exception) -> Response:
    said: dict[str, str] = words()["problems"]
    code = "not_possible" if isinstance(error, SandboxRefused) else "not_at_rest"
    return JSONResponse({"error": said[code]}, status_code=409)


async def _malformed(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": words()["problems"]["malformed"], "detail": str(error)}, status_code=400)


_HANDLERS: Mapping[Any, Callable[[Request, Exception], Any]] = {
    SandboxRefused: _refused,
    StepFailed: _refused,
    KeyError: _malformed,
    ValueError: _malformed,
}

# -- the page ----------------------------------------------------------------------------------------------------------


def _index(request: Request) -> Response:
    firm = _firm(request)
    page = TEMPLATES.get_template("index.html.j2").render(
        players=firm.players, senders=firm.senders(), house=firm.stage.settings.house, address=firm.stage.mail.address,
        steps=words()["steps"], further=words()["further"], mail=words()["mail"],
    )  # fmt: skip
    return Response(page, media_type="text/html")


def _static(name: str, media_type: str) -> Callable[[Request], Response]:
    def serve(_: Request) -> Response:
        return Response((FOLDER / name).read_text("utf-8"), media_type=media_type)

    return serve


def _state(firm: Firm) -> Json:
    """What every part of the page needs to know beside the chats."""
    with transaction(firm.stage.engine) as session:
        state = {"done": guide.done(session), "to_pay": guide.to_pay(session)}
    return state | {"mails": len(firm.letters())}


async def _news(request: Request) -> Response:
    """A stream of events: the chats that changed, the toasts, the number of mails, the steps done, the time."""
    firm = _firm(request)

    async def stream() -> AsyncIterator[str]:
        keys = {firm.stage.person(player.key): player.key for player in firm.players}
        after, told = 0, None
        while not firm.closing.is_set():
            try:
                news = await run_in_threadpool(firm.stage.player.news, after, timeout=NEWS_SECONDS if after else 0)
            except httpx.TransportError:
                return  # the sandbox is closing, or this machine slept: the page asks again
            now = firm.stage.clock()
            state = await run_in_threadpool(_state, firm)
            if news is None and state == told:
                yield f"event: time\ndata: {json.dumps(now.isoformat())}\n\n"
                continue
            shown = [_toast(toast, keys) for toast in news["toasts"]] if news and after else []
            chats = [keys[chat] for chat in news["chats"] if chat in keys] if news else []
            after, told = news["seq"] if news else after, state
            yield f"data: {json.dumps(state | {'now': now.isoformat(), 'chats': chats, 'toasts': shown})}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")


def _toast(event: Json, keys: dict[int, str]) -> Json:
    return {"who": keys.get(event["only_for"]), "text": event["text"], "alert": event["alert"],
            "message": event["message_id"]}  # fmt: skip


# -- chats -------------------------------------------------------------------------------------------------------------


def _chat(request: Request) -> Response:
    return JSONResponse([_message(seen) for seen in _firm(request).chat(_who(request))])


def _message(seen: Seen) -> Json:
    file = None
    if seen.file is not None:
        kind = guessed(seen.file)
        file = {"name": seen.file, "size": seen.size, "picture": seen.kind == "photo", "pdf": kind == SHOWN_PDF}
    rows = [
        [{"label": label, "data": data} for label, data in zip(labels, datas, strict=True)]
        for labels, datas in zip(seen.buttons, seen.data, strict=True)
    ]
    return {
        "id": seen.message_id, "seq": seen.seq, "mine": seen.mine, "who": seen.who, "at": seen.at, "html": seen.html,
        "text": seen.text, "buttons": rows, "file": file, "edited": seen.edited, "reply_to": seen.reply_to,
        "asks": seen.markup == "force_reply", "kind": seen.kind,
    }  # fmt: skip


SHOWN_PDF = "application/pdf"


async def _say(request: Request) -> Response:
    given = await request.json()
    await run_in_threadpool(_firm(request).say, _who(request), given["text"], reply_to=given.get("reply_to"))
    return JSONResponse({})


async def _edit(request: Request) -> Response:
    given = await request.json()
    await run_in_threadpool(_firm(request).edit, _who(request), given["message"], given["text"])
    return JSONResponse({})


async def _press(request: Request) -> Response:
    given = await request.json()
    press = _firm(request).press
    await run_in_threadpool(press, _who(request), given["message"], data=given["data"], label=given["label"])
    return JSONResponse({})


async def _send(request: Request) -> Response:
    who, firm = _who(request), _firm(request)
    async with request.form(max_part_size=LONGEST_FORM) as form:
        files = await _files(form)
        reply_to = _text(form, "reply_to")
        await run_in_threadpool(
            firm.send, who, files, caption=_text(form, "caption"), reply_to=int(reply_to) if reply_to else None
        )
    return JSONResponse({})


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


async def _files(form: FormData) -> list[File]:
    uploads = [value for value in form.getlist("file") if isinstance(value, UploadFile) and value.filename]
    return [
        File(str(one.filename), one.content_type or guessed(str(one.filename)), await one.read()) for one in uploads
    ]


def _commands(request: Request) -> Response:
    return JSONResponse(_firm(request).commands(_who(request)))


def _stored(request: Request) -> tuple[str, bytes]:
    """The name and bytes of the file of a message."""
    firm, message = _firm(request), request.path_params["message"]
    seen = next((seen for seen in firm.chat(_who(request)) if seen.message_id == message), None)
    if seen is None or seen.file is None:
        raise HTTPException(404)
    return seen.file, firm.stage.player.download(seen)


def _file(request: Request) -> Response:
    name, content = _stored(request)
    return _served(name, guessed(name), content)


def _served(name: str, media_type: str, content: bytes) -> Response:
    """A file as a browser may have it: shown when it is harmless to show, else saved."""
    place = "inline" if media_type in SHOWN else "attachment"
    headers = {"content-disposition": f"{place}; filename*=utf-8''{quote(name)}"}
    if media_type == SHOWN_PDF:
        headers["content-security-policy"] = "frame-ancestors 'self'"  # the browser's own viewer needs its scripts
    return Response(content, media_type=media_type, headers=headers)


def _preview(request: Request) -> Response:
    """The first page of a PDF as a picture."""
    _, content = _stored(request)
    try:
        with _pdfium:
            page = pypdfium2.PdfDocument(content)[0]
            image = page.render(scale=PREVIEW_WIDTH / page.get_width()).to_pil()
    except (pypdfium2.PdfiumError, IndexError) as broken:
        raise HTTPException(404) from broken
    out = io.BytesIO()
    image.save(out, "PNG")
    return Response(out.getvalue(), media_type="image/png")


# -- mails -------------------------------------------------------------------------------------------------------------


def _letters(request: Request) -> Response:
    return JSONResponse([_envelope(letter) for letter in reversed(_firm(request).letters())])


def _envelope(letter: Letter) -> Json:
    return {
        "key": letter.key, "ours": letter.ours, "from": letter.header("From"), "to": letter.header("To"),
        "subject": letter.header("Subject"), "at": letter.at.isoformat(), "files": len(letter.attachments()),
    }  # fmt: skip


def _found(request: Request) -> Letter:
    letter = _firm(request).letter(str(request.path_params["key"]))
    if letter is None:
        raise HTTPException(404)
    return letter


def _letter(request: Request) -> Response:
    letter = _found(request)
    files = [{"name": one.name, "size": len(one.content)} for one in letter.attachments()]
    return JSONResponse(_envelope(letter) | {"text": letter.body("plain"), "html": bool(letter.body("html")),
                                             "attachments": files})  # fmt: skip


def _letter_page(request: Request) -> Response:
    headers = {"content-security-policy": MAIL_POLICY}
    return Response(_found(request).body("html"), media_type="text/html", headers=headers)


def _letter_file(request: Request) -> Response:
    files, number = _found(request).attachments(), request.path_params["number"]
    if number >= len(files):
        raise HTTPException(404)
    return _served(files[number].name, mimetypes.guess_type(files[number].name)[0] or files[number].media_type,
                   files[number].content)  # fmt: skip


async def _post(request: Request) -> Response:
    firm = _firm(request)
    async with request.form(max_part_size=LONGEST_FORM) as form:
        sender, answers = _text(form, "sender"), _text(form, "answers")
        if sender not in {address for address, _ in await run_in_threadpool(firm.senders)}:
            raise ValueError(f"nobody here writes as {sender}")
        attached = tuple(Attachment(file.name, file.media_type, file.content) for file in await _files(form))
        written = Written(
            sender=sender, to=firm.stage.mail.address, subject=_text(form, "subject"), words=_text(form, "words"),
            at=firm.stage.clock(), answers=firm.letter(answers) if answers else None, attachments=attached,
        )  # fmt: skip
        await run_in_threadpool(firm.post, written)
    return JSONResponse({})


def _sample(request: Request) -> Response:
    file = _firm(request).sample_order()
    return _served(file.name, file.media_type, file.content)


# -- time --------------------------------------------------------------------------------------------------------------


async def _clock(request: Request) -> Response:
    step = (await request.json())["step"]
    if step not in WAITS:
        raise ValueError(f"the clock does not know {step}")
    await run_in_threadpool(_firm(request).wait, step)
    return JSONResponse({"now": _firm(request).stage.clock().isoformat()})
