"""What a bounce says: which addresses are dead, and which of our own mails came back (RFC 3464, RFC 3463).

The class of the status decides, never a list of codes (E55): 5 is for ever, 4 is tried again by the server that said
so. A bounce in free words is believed about an address only where it names no temporary status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intake.mime.charsets import text_of

if TYPE_CHECKING:
    from intake.incoming import Incoming

_FIELD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,12}")
_STATUS = re.compile(r"(?<![\d.])([245])\.\d{1,3}\.\d{1,3}(?![\d.])")
_OURS = re.compile(r"<outbox\.(\d+)@([^<>\s]+)>")
#: A bounce returns the whole mail: what stands that far down is the mail, not the reason.
_READ = 20_000


@dataclass(frozen=True, slots=True)
class Bounce:
    """The addresses that are dead, in lower case, and the numbers of our own outbox rows that came back.

    `reported` says that a delivery report names its recipients, `temporary` that the server goes on trying.
    """

    dead: frozenset[str]
    rows: tuple[int, ...]
    reported: bool = False
    temporary: bool = False


def read(incoming: Incoming, *, domain: str) -> Bounce:
    """What the bounce says; `domain` is that of our own mailbox, in the identifiers that we give."""
    reports = [text_of(file.content) for file in incoming.attachments if file.media_type == "message/delivery-status"]
    written = f"{incoming.text}\n{incoming.quoted}"[:_READ]
    returned = "\n".join(text_of(file.content[:_READ]) for file in incoming.attachments)
    known = " ".join((*incoming.in_reply_to, written, returned))
    rows = dict.fromkeys(int(number) for number, ours in _OURS.findall(known) if ours.lower() == domain.lower())
    dead = {email for report in reports for email in _dead_of(report)} if reports else _dead_in_words(written)
    return Bounce(frozenset(dead), tuple(rows), reported=bool(reports), temporary=_temporary(written))


def _dead_of(report: str) -> set[str]:
    """The recipients of a delivery report that failed for ever."""
    dead: set[str] = set()
    for block in re.split(r"\n[ \t]*\n", report.replace("\r\n", "\n")):
        fields = {name.lower(): value for name, value in _FIELD.findall(block)}
        status = _STATUS.search(fields.get("status", ""))
        action = fields.get("action", "").strip().lower()
        permanent = status[1] == "5" if status else action == "failed"
        if permanent and action in {"failed", ""}:
            named = f"{fields.get('final-recipient', '')} {fields.get('original-recipient', '')}"
            dead |= {email.lower() for email in _EMAIL.findall(named)}
    return dead


def _dead_in_words(text: str) -> set[str]:
    return set() if _temporary(text) else {email.lower() for email in _EMAIL.findall(text)}


def _temporary(text: str) -> bool:
    classes = set(_STATUS.findall(text))
    return "4" in classes and "5" not in classes
