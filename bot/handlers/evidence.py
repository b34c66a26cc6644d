"""The original beside the draft: the words with each line's own marked, the page with its place, the files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from core.messages import Message
from core.orders import Order, OrderLine
from intake import voice
from intake.attachments.children import CHILDREN
from intake.attachments.drawings import Mark
from intake.attachments.limits import UnreadableError
from intake.requests import asked_in
from intake.understand import habits, incoming_of, offers

if TYPE_CHECKING:
    from telegram import Bot

    from bot.turns import Turn
    from intake.incoming import Attachment, Incoming

Args = dict[str, Any]
#: So many characters of a mail are shown, and so many around one line's words.
WORDS, AROUND = 3000, 300
PAGES, FILES = 3, 5


@dataclass(frozen=True, slots=True)
class _Trace:
    """A line and where it was read."""

    position: int
    text: str
    where: dict[str, Any]

    @property
    def label(self) -> str:
        """The line as cards name it."""
        return f"L{self.position}"

    @property
    def part(self) -> str:
        """The body, a file's name, or how else the line was found."""
        return str(self.where.get("part", ""))


def show_evidence(turn: Turn, args: Args, order: Order) -> None:
    """What the customer really sent, and where each line (or the one asked about) was read in it."""
    message = turn.session.get(Message, order.message_id) if order.message_id is not None else None
    if message is None:
        turn.say("no_original")
        return
    incoming = incoming_of(turn.session, message, settings=turn.app.settings)
    position = args.get("position")
    traces = [_trace(line) for line in order.kept_lines if position in {None, line.position}]
    _words(turn, incoming, message.extract, traces, alone=position is not None)
    known = {file.name: file for file in _files(incoming)}
    shown = _pages(turn, known, traces)
    rest = [
        file for file in known.values() if position is None or (not shown and file.name in {t.part for t in traces})
    ]
    for file in rest[:FILES]:
        turn.later.append(
            partial(turn.app.application.bot.send_document, turn.chat_id, file.content, filename=file.name)
        )


def _trace(line: OrderLine) -> _Trace:
    return _Trace(line.position, line.text, json.loads(line.evidence))


def _files(incoming: Incoming) -> list[Attachment]:
    """Its files and those of the mails that it passes on."""
    return [file for one in (incoming, *incoming.forwarded) for file in one.attachments]


def _words(turn: Turn, incoming: Incoming, extract: str, traces: list[_Trace], *, alone: bool) -> None:
    """The text with the words of each line marked, then a line for each one that was read elsewhere than on a page."""
    inner = asked_in(incoming)
    body = (inner.text.strip() and inner.text) or incoming.text or extract  # of a voice note, what was heard
    places = [(trace, found) for trace in traces if (found := _place(trace, body, inner.subject)) is not None]
    said = [_marked(body, [(trace, start, end) for trace, (start, end) in places], alone=alone)] if body.strip() else []
    beside = [told for trace in traces if (told := _told(trace, {t.position for t, _ in places})) is not None]
    if alone and not places:
        said = []
    if not said and not beside and not alone and not _files(incoming):
        said = [texts.escape(texts.answer("no_original"))]
    if said or beside:
        quoted = [f"<blockquote>{said[0]}</blockquote>"] if said else []
        turn.send(Content("\n".join([*quoted, *map(texts.escape, beside)])))


def _place(trace: _Trace, body: str, subject: str) -> tuple[int, int] | None:
    """Where the line's words stand in the text; None where they are not in it."""
    if trace.part not in {"body", "subject", ""} or not trace.text:
        return None
    start, end = int(trace.where.get("start") or 0), int(trace.where.get("end") or 0)
    if trace.part == "body" and trace.text in body[start:end]:
        at = body.index(trace.text, start)
        return at, at + len(trace.text)
    at = body.find(trace.text)
    return (at, at + len(trace.text)) if at >= 0 and trace.text not in subject else None


def _marked(body: str, places: list[tuple[_Trace, int, int]], *, alone: bool) -> str:
    """The text as chat markup, each place in bold behind its line's name; around one line only what is near it."""
    ordered = sorted(places, key=lambda place: place[1])
    first, last = 0, min(len(body), WORDS)
    if alone and ordered:
        first, last = max(ordered[0][1] - AROUND, 0), min(ordered[0][2] + AROUND, len(body))
    made, at = ["…"] if first else [], first
    for trace, start, end in ordered:
        if start < at or end > last:
            continue
        made += [texts.escape(body[at:start]), f"[{trace.label}] <b><u>{texts.escape(body[start:end])}</u></b>"]
        at = end
    made.append(texts.escape(body[at:last]))
    return "".join(made).strip() + ("…" if last < len(body) else "")


def _told(trace: _Trace, marked: set[int]) -> str | None:
    """Where a line that is marked nowhere was read; None for one whose words or place are shown."""
    where, about = trace.where, {"line": trace.label, "text": trace.text}
    if trace.position in marked or where.get("box"):
        return None
    elsewhere = {voice.PART: "heard", habits.PART: "order", offers.PART: "quote"}.get(trace.part)
    if elsewhere is None:
        elsewhere = "cell" if where.get("cell") else "row" if "." in trace.part else "later"
    if elsewhere == "later" and not trace.text:
        return None
    more = {name: value for name, value in where.items() if name not in about}
    return texts.answer(f"evidence_{elsewhere}", **more, **about, name=trace.part)


def _pages(turn: Turn, files: dict[str, Attachment], traces: list[_Trace]) -> bool:
    """Each page that lines were read on, as a picture with their places; False when there is none."""
    pages: dict[tuple[str, int], list[_Trace]] = {}
    for trace in traces:
        if trace.where.get("box") and trace.part in files:
            pages.setdefault((trace.part, int(trace.where.get("page") or 1)), []).append(trace)
    for (name, page), found in list(pages.items())[:PAGES]:
        marks = [Mark(tuple(trace.where["box"]), trace.label) for trace in found]
        lines = ", ".join(trace.label for trace in found)
        caption = texts.answer("evidence_page", name=name, page=page, lines=lines)
        turn.later.append(_picture(turn.app.application.bot, turn.chat_id, files[name], page, marks, caption))
    return bool(pages)


def _picture(
    bot: Bot, chat_id: int, file: Attachment, page: int, marks: list[Mark], caption: str
) -> Callable[[], Coroutine[Any, Any, Any]]:
    async def send() -> Any:
        """The page is drawn once the transaction is over; a file that cannot be drawn goes as it is."""
        try:
            drawn = await asyncio.to_thread(CHILDREN.draw, file, page, marks)
        except UnreadableError:
            return await bot.send_document(chat_id, file.content, filename=file.name, caption=caption)
        return await bot.send_photo(chat_id, drawn, caption=caption)

    return send


ACTIONS: dict[str, tuple[str, Any]] = {"show_evidence": ("order", show_evidence)}
