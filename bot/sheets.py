"""How much fits: chat texts cut between lines and never inside a tag, captions measured as they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot import texts
from core import facturx
from core.documents import INVOICES

if TYPE_CHECKING:
    from core.documents import Document

TEXT, CAPTION = 4096, 1024
#: Left free for the mark of a cut text.
MARGIN = 16


def length(markup: str) -> int:
    """The length as the server counts it: UTF-16 units once tags are gone, and no less than what is sent (T19)."""
    shown = len(texts.plain(markup).encode("utf-16-le")) // 2
    return max(shown, len(markup.encode("utf-16-le")) // 2)


def fits_caption(markup: str) -> bool:
    """It may stand under a file."""
    return length(markup) <= CAPTION


def paged(markup: str, limit: int = TEXT) -> Iterator[str]:
    """The text in pieces of whole lines; our tags never span a line."""
    piece = ""
    for line in _lines(markup, limit - MARGIN):
        longer = f"{piece}\n{line}" if piece else line
        if piece and length(longer) > limit:
            yield piece.strip("\n")
            longer = line
        piece = longer
    yield piece.strip("\n")


def shortened(markup: str, limit: int = TEXT) -> str:
    """A card is one message: what does not fit is cut after a whole line, and marked."""
    pieces = list(paged(markup, limit - MARGIN))
    return pieces[0] if len(pieces) == 1 else f"{pieces[0]}\n…"


def _lines(markup: str, limit: int) -> Iterator[str]:
    """The lines; one longer than a message loses its tags and is cut between characters."""
    for line in markup.split("\n"):
        if length(line) <= limit:
            yield line
            continue
        rest = texts.plain(line)
        step = limit // 8  # an escaped character takes at most six places, one outside the basic plane two
        for start in range(0, len(rest), step):
            yield texts.escape(rest[start : start + step])


def invoice_xml(document: Document) -> bytes | None:
    """The data of an invoice, kept beside its PDF; None for other papers."""
    return facturx.invoice_xml(document) if document.kind in INVOICES else None
