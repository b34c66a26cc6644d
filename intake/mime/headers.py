"""Mail headers as people wrote them: decoded, unfolded, and repaired where mail-parser gives up."""

from __future__ import annotations

import binascii
import quopri
import re
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING

from intake.incoming import Address
from intake.mime.charsets import clean, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from email.message import Message

_WORD = re.compile(r"=\?([^?\s]*)\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]*\?[bBqQ]\?)")
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,12}")
_ID = re.compile(r"<([^<>]+)>")


def raw_values(message: Message, name: str) -> list[str]:
    """The values of a header in their order, as on the wire (bytes above 127 as surrogates)."""
    return [str(value) for key, value in message.raw_items() if key.lower() == name]


def raw_fields(message: Message) -> dict[str, list[str]]:
    """Every field by its name in lower case, with its values in their order as on the wire."""
    fields: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        fields.setdefault(name.lower(), []).append(str(value))
    return fields


def decoded(value: str) -> str:
    """The header's text: folding undone, encoded words read, raw 8-bit bytes kept (mail-parser deletes them)."""
    if value.isascii() and value.isprintable() and "=?" not in value:
        return value.strip()
    try:
        raw = value.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        raw = value.encode("utf-8", "replace")
    text = re.sub(r"[\r\n]+[ \t]?", " ", text_of(raw))
    return clean(_words(text)).strip()


def _words(text: str) -> str:
    """Read encoded words (RFC 2047); neighbours of one charset are joined first, since some cut inside a letter."""
    text = _BETWEEN_WORDS.sub(r"\1", text)
    out: list[str] = []
    pending, pending_charset, position = b"", "", 0
    for match in _WORD.finditer(text):
        charset = match[1].split("*")[0].lower()
        between = text[position : match.start()]
        if pending and (between or charset != pending_charset):
            out.append(text_of(pending, pending_charset))
            pending = b""
        out.append(between)
        pending, pending_charset, position = pending + _word(match[2], match[3]), charset, match.end()
    out.append(text_of(pending, pending_charset))
    out.append(text[position:])
    return "".join(out)


def _word(encoding: str, content: str) -> bytes:
    raw = content.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw.replace(b" ", b"_"), header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        return b64decode(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:
        return raw


def addresses(parsed: Sequence[tuple[str, str]], raw: Iterable[str]) -> tuple[Address, ...]:
    """Mailboxes as mail-parser read them or, where it found none, every address that the raw header shows (E31)."""
    found = [Address(_email(email), decoded(name)) for name, email in parsed if "@" in email]
    if not found:
        found = [address for value in raw for address in written_addresses(decoded(value))]
    return tuple(dict.fromkeys(found))


def written_addresses(text: str) -> list[Address]:
    """The addresses in a line of text, each with the words before it as its name."""
    found, position = [], 0
    for match in _EMAIL.finditer(text):
        name = text[position : match.start()].strip(" \t,;<>[]()\"'*:").removesuffix("mailto").strip(" \t<[(\"':")
        found.append(Address(_email(match[0]), name))
        position = match.end()
    return found


def _email(written: str) -> str:
    """Lower case, with the domain in its ASCII form so that look-alike letters show (S09)."""
    local, _, domain = clean(written).strip(" <>\"'").rpartition("@")
    if not domain.isascii():
        with suppress(UnicodeError):
            domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain.rstrip('.')}".lower()


def identifier(value: str) -> str:
    """One Message-ID in its canonical form `<…>`, '' when there is none: equal however it was folded (E09)."""
    found = identifiers(value)
    if found:
        return found[0]
    bare = "".join(decoded(value).split()).strip("<>")
    return f"<{bare}>" if bare else ""


def identifiers(value: str) -> tuple[str, ...]:
    """All Message-IDs of an In-Reply-To or References header, in their order, each once."""
    found = ("".join(written.split()) for written in _ID.findall(decoded(value)))
    return tuple(dict.fromkeys(f"<{name}>" for name in found if name))
