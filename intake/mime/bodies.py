"""The text of a mail from its MIME tree: the plain part, or the HTML where the plain one lost something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from intake.mime.charsets import text_of

if TYPE_CHECKING:
    from email.message import Message

    from intake.mime.html import Page


def payload(part: Message) -> bytes:
    """The decoded bytes of a leaf; never raises, whatever its transfer encoding claims."""
    try:
        content = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - the standard library trips over what a sender may write (E32, E37)
        content = None
    if isinstance(content, bytes):
        return content
    stored = part.get_payload()
    return stored.encode("ascii", "surrogateescape") if isinstance(stored, str) and _wire(stored) else b""


def _wire(text: str) -> bool:
    return all(ord(letter) < 128 or 0xDC80 <= ord(letter) <= 0xDCFF for letter in text)


def parameter(part: Message, name: str, default: str = "") -> str:
    """A parameter of Content-Type as plain text, lower case."""
    try:
        value = part.get_param(name, default)
    except Exception:  # noqa: BLE001 - a broken parameter is an absent one
        return default
    return str(value[2] if isinstance(value, tuple) else value).strip().lower()


def plain(part: Message) -> str:
    """The text of a text/plain part, with flowed lines joined (RFC 3676)."""
    text = text_of(payload(part), parameter(part, "charset"))
    if parameter(part, "format") == "flowed":
        return _unflowed(text, joined=parameter(part, "delsp") == "yes")
    return text


def markup(part: Message) -> str:
    """The source of a text/html part; its own <meta> counts where the header names no charset."""
    content, charset = payload(part), parameter(part, "charset")
    if not charset:
        found = re.search(rb"<meta[^>]+charset=[\"']?([\w-]+)", content[:2048], re.IGNORECASE)
        charset = found[1].decode("ascii") if found else ""
    return text_of(content, charset)


def best(texts: list[str], page: Page) -> str:
    """The plain text or, where it is empty or broke the rows of a table, what the page shows."""
    text = "\n".join(texts)
    if not text.strip():
        return page.text() or text
    rows = [row for row in page.rows() if len(row) > 2]
    broken = [row for row in rows if not _on_one_line(text, row)]
    return page.text() if len(rows) > 1 and len(broken) * 2 > len(rows) else text


def _on_one_line(text: str, cells: list[str]) -> bool:
    """Whether a line of the text holds all these cells."""
    rarest = max(cells, key=len)
    found = text.find(rarest)
    while found >= 0:
        end = text.find("\n", found)
        line = text[text.rfind("\n", 0, found) + 1 : end if end >= 0 else len(text)]
        if all(cell in line for cell in cells):
            return True
        found = text.find(rarest, end) if end >= 0 else -1
    return False


def _unflowed(text: str, *, joined: bool) -> str:
    """Join soft-broken lines of the same citation depth; a signature's `-- ` is never soft."""
    out: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        marks = re.match(r">*", line)
        depth = len(marks[0]) if marks else 0
        rest = line[depth:].removeprefix(" ")
        soft = rest.endswith(" ") and rest != "-- "
        content = rest[:-1] if soft and joined else rest
        if open_depth == depth and rest != "-- ":
            out[-1] += content
        else:
            out.append(f"{'>' * depth} {content}" if depth else content)
        open_depth = depth if soft else None
    return "\n".join(line.rstrip() for line in out)
