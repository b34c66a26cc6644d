"""How the desk is, as `comptoir check` computes it, told in an admin's chat."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bot import checkup, sheets, texts

if TYPE_CHECKING:
    from bot.checkup import Finding
    from bot.turns import Turn

#: What an admin looks at first.
FIRST = ("telegram", "imap", "smtp", "backup", "journal", "documents", "queue", "outbox", "sending", "disk")


def run(turn: Turn, _rest: str) -> None:
    """Look at each thing once the turn is committed: a look takes seconds and reads the database itself."""
    app, chat_id, at = turn.app, turn.chat_id, turn.at
    turn.say("health_wait")

    async def look() -> None:
        found = await asyncio.to_thread(lambda: list(checkup.everything(app.settings, at=at)))
        html = sheets.shortened(texts.render("health", **told(found)))
        await app.application.bot.send_message(chat_id, html, parse_mode="HTML")

    turn.later.append(look)


def told(found: list[Finding]) -> dict[str, Any]:
    """What the text of `/etat` is made of: what is well in a word, what is not with what to do."""
    names = texts.table("menus", "fr")["health"]
    known = {one.name: one for one in found}
    ordered = [known[name] for name in FIRST if name in known]
    ordered += [one for one in found if one.name not in FIRST]
    well = [names.get(one.name, one.name) for one in ordered if one.well]
    wrong = [(names.get(one.name, one.name), one.said, one.todo) for one in ordered if not one.well]
    return {"well": well, "wrong": wrong}


COMMANDS: dict[str, Any] = {"health": run}
