"""One hash for one mail, whichever way and however often it was delivered (E08, E11).

Covered: who wrote to whom, when, about what, and the body. Not covered: everything that servers on the way add or
change, that is every other header, among them Received, Return-Path, Delivered-To, X-Original-To,
Authentication-Results, DKIM-Signature and ARC; the folding of headers; the kind of line ends; blank lines at the end.
"""

from __future__ import annotations

import hashlib
import re

from intake.mime.headers import identifier

_COVERED = (
    b"from", b"sender", b"reply-to", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id",
)  # fmt: skip
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)


def canonical_hash(raw: bytes) -> str:
    """SHA-256, in hexadecimal, of what the author wrote."""
    fields, body = fields_and_body(raw)
    digest = hashlib.sha256()
    for name, value in fields:
        if name in _COVERED:
            digest.update(name + b":" + b" ".join(value.split()) + b"\n")
    digest.update(b"\n" + body.rstrip())
    return digest.hexdigest()


def message_id(raw: bytes) -> str:
    """The mail's Message-ID in canonical form, '' when it has none."""
    fields, _ = fields_and_body(raw)
    found = (identifier(value.decode("ascii", "surrogateescape")) for name, value in fields if name == b"message-id")
    return next(found, "")


def fields_and_body(raw: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The header fields with lower-case names, and the body; a body needs no blank line before it (E41)."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    fields: list[tuple[bytes, bytes]] = []
    position = 0
    while position < len(text):
        end = text.find(b"\n", position)
        line = text[position:] if end < 0 else text[position:end]
        after = len(text) if end < 0 else end + 1
        if not line:
            return fields, text[after:]
        found = _FIELD.fullmatch(line)
        if line[:1] in b" \t" and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip())
        elif found:
            fields.append((found[1].lower(), found[2].strip()))
        elif not (position == 0 and line.startswith((b"From ", b">From "))):
            return fields, text[position:]
        position = after
    return fields, b""
