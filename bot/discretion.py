"""What may be read in a group without prices: every amount of money is taken out of a text, whatever wrote it (U11)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot import texts

if TYPE_CHECKING:
    from bot.keyboards import Press, Rows

MONEY = re.compile(r"€|\bEUR\b|\beuros?\b", re.IGNORECASE)
#: Between these marks a line says one thing after the other.
_PARTS = re.compile(r"( \u00b7 | \u2014 | \u2013 |(?<=[^\d\W]); |(?<=[a-zé)])\. )")
_OPENING, _CLOSING = re.compile(r"<([a-z]+)[^>]*>"), re.compile(r"</([a-z]+)>")


def without_money(markup: str) -> str:
    """The text without the parts that name an amount; a line that is about nothing else is left out."""
    if not MONEY.search(markup):
        return markup
    lines = [_discreet(line) if MONEY.search(line) else line for line in markup.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line for line in lines if line is not None)).strip()


def _discreet(line: str) -> str | None:
    pieces = _PARTS.split(line)
    said, marks = pieces[::2], pieces[1::2]
    kept = [(mark, part) for mark, part in zip(["", *marks], said, strict=True) if not MONEY.search(part)]
    text = "".join(mark + part for mark, part in kept)
    text = text.removeprefix(kept[0][0]) if kept else ""
    if sorted(_OPENING.findall(text)) != sorted(_CLOSING.findall(text)):
        text = texts.escape(texts.plain(text))
    return text if re.search(r"\w", texts.plain(text)) else None


def without_priced(rows: Rows, language: str) -> Rows:
    """The buttons whose labels name no amount."""
    return [[press for press in row if not _priced(press, language)] for row in rows]


def _priced(press: Press, language: str) -> bool:
    return MONEY.search(press.label(language)) is not None
