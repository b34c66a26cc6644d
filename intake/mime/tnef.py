"""The files inside Outlook's `winmail.dat` (TNEF): [MS-OXTNEF] §2.1 for the stream, [MS-OXCDATA] §2.11 for properties.

Only files and the text are taken out; a stream that is cut or lies about a length gives what stands before that.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from intake.mime.charsets import clean, text_of

MEDIA_TYPE = "application/ms-tnef"
MAX_FILES = 200
_SIGNATURE = 0x223E9F78
_BODY, _PROPERTIES, _CODE_PAGE = 0x0002800C, 0x00069003, 0x00069007
_FILE_BEGINS, _FILE_TITLE, _FILE_DATA, _FILE_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_PR_BODY, _PR_HTML = 0x1000, 0x1013
_PR_DATA, _PR_FILE_NAME, _PR_LONG_FILE_NAME, _PR_DISPLAY_NAME = 0x3701, 0x3704, 0x3707, 0x3001
_NAMES = (_PR_LONG_FILE_NAME, _PR_FILE_NAME, _PR_DISPLAY_NAME)
_MULTIPLE, _FIRST_NAMED = 0x1000, 0x8000
# the size of a property's value by its type; of the others the length is written before each value
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_TEXT, _UNICODE, _OBJECT = 0x1E, 0x1F, 0x0D
_IID = 16  # an object's value begins with the identifier of its interface


@dataclass
class Opened:
    """What a `winmail.dat` holds: its text as plain text or as a page, and its files by the names they had."""

    text: str = ""
    page: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)


def opened(content: bytes) -> Opened:
    """The text and the files of a TNEF stream; nothing where it is none; never raises on what it is given."""
    found = Opened()
    if len(content) < 6 or struct.unpack_from("<I", content)[0] != _SIGNATURE:
        return found
    charset = ""
    for attribute, data in _attributes(content):
        if attribute == _CODE_PAGE and len(data) >= 4:
            charset = f"cp{struct.unpack_from('<I', data)[0]}"
        elif attribute == _BODY:
            found.text = text_of(data.rstrip(b"\x00"), charset)
        elif attribute == _PROPERTIES:
            properties = dict(_properties(data, charset))
            found.text = found.text or _said(properties.get(_PR_BODY, ""))
            found.page = _said(properties.get(_PR_HTML, ""))
        elif attribute == _FILE_BEGINS and len(found.files) < MAX_FILES:
            found.files.append(("", b""))
        elif found.files:
            found.files[-1] = _described(found.files[-1], attribute, data, charset)
    found.files = [(name, data) for name, data in found.files if data]
    return found


def _described(file: tuple[str, bytes], attribute: int, data: bytes, charset: str) -> tuple[str, bytes]:
    """The file with what one more attribute says of it; its properties hold the whole name, the title 8.3 letters."""
    name, content = file
    if attribute == _FILE_DATA:
        return name, data
    if attribute == _FILE_TITLE:
        return name or text_of(data.rstrip(b"\x00"), charset), content
    if attribute == _FILE_PROPERTIES:
        properties = dict(_properties(data, charset))
        named = next((properties[key] for key in _NAMES if properties.get(key)), name)
        inside = properties.get(_PR_DATA, b"")
        return _said(named), content or (inside if isinstance(inside, bytes) else b"")
    return file


def _said(value: str | bytes) -> str:
    return value if isinstance(value, str) else text_of(value.rstrip(b"\x00"))


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes of the stream: a level, an identifier, a length, the data, and a checksum that nobody checks."""
    position = 6
    while position + 9 <= len(content):
        _, attribute, length = struct.unpack_from("<BII", content, position)
        position += 9
        if position + length > len(content):
            return
        yield attribute, content[position : position + length]
        position += length + 2


def _properties(data: bytes, charset: str) -> Iterator[tuple[int, str | bytes]]:
    """The texts and the bytes among the properties of a message or a file; of repeated values only the last."""
    try:
        (count,) = struct.unpack_from("<I", data)
        position = 4
        for _ in range(min(count, 1000)):
            kind, name = struct.unpack_from("<HH", data, position)
            position += 4
            if name >= _FIRST_NAMED:
                position = _after_name(data, position)
            size = _SIZES.get(kind & ~_MULTIPLE)
            repeated = 1
            if kind & _MULTIPLE or size is None:
                (repeated,) = struct.unpack_from("<I", data, position)
                position += 4
            for _ in range(min(repeated, 1000)):
                length = size
                if length is None:
                    (length,) = struct.unpack_from("<I", data, position)
                    position += 4
                value = data[position : position + length]
                position += (length + 3) // 4 * 4
                if size is None:
                    yield name, _value(kind & ~_MULTIPLE, value, charset)
    except struct.error:  # the stream was cut here
        return


def _after_name(data: bytes, position: int) -> int:
    """Where a property begins behind its own name: a set, and a number or a text."""
    kind, number = struct.unpack_from("<II", data, position + 16)
    return position + 24 + ((number + 3) // 4 * 4 if kind else 0)


def _value(kind: int, value: bytes, charset: str) -> str | bytes:
    if kind == _TEXT:
        return text_of(value.rstrip(b"\x00"), charset)
    if kind == _UNICODE:
        return clean(value.decode("utf-16-le", "replace").rstrip("\x00"))
    return value[_IID:] if kind == _OBJECT else value
