"""Bytes to text that a person can read, whatever charset they claim: a price must never lose its euro sign (E36)."""

from __future__ import annotations

import codecs

# what Windows mail programs write where they announce another charset; every byte of it means something there
_WINDOWS = {byte: bytes([byte]).decode("cp1252", "replace").replace("�", chr(byte)) for byte in range(256)}
_REFUSED = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"}
_LATIN = {"iso8859-1", "cp1252"}
_UNSURE = {"ascii", "utf-8"}


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(_WINDOWS[byte] for byte in error.object[error.start : error.end]), error.end


codecs.register_error("as_windows", _as_windows)


def text_of(content: bytes, charset: str | None = None) -> str:
    """The text of these bytes, with line ends as line feeds, without NUL and lone surrogates; never raises."""
    return clean(_decoded(content, charset))


def clean(text: str) -> str:
    """Text that any database takes: no NUL, no lone surrogate, one kind of line end."""
    text = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "replace").decode("utf-8").removeprefix("\ufeff")


def _decoded(content: bytes, charset: str | None) -> str:
    name = _codec(charset)
    if name is None or name in _UNSURE or name in _LATIN:
        try:
            return content.decode("utf-8")  # bytes above 127 that form UTF-8 by accident are rarer than false labels
        except UnicodeDecodeError:
            if name in _LATIN:
                return "".join(map(_WINDOWS.__getitem__, content))
            return content.decode("utf-8", "as_windows")
    try:
        return content.decode(name)
    except (UnicodeError, ValueError):
        return content.decode("utf-8", "as_windows")


def _codec(charset: str | None) -> str | None:
    """Python's name of a text charset, None when there is none such."""
    label = (charset or "").strip().strip("\"'").lower()
    try:
        found = codecs.lookup(label)
    except (LookupError, ValueError, UnicodeError):
        return None
    if not getattr(found, "_is_text_encoding", True) or found.name in _REFUSED:
        return None
    return found.name
