"""What a signed file holds: CMS SignedData (RFC 5652 §5), as in `smime.p7m` (RFC 8551 §3.5.2) and signed invoices.

The signature is not verified here: who sent a mail is for `intake.senders` to say. Encrypted data gives nothing.
"""

from __future__ import annotations

MEDIA_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2
_SEQUENCE, _OBJECT_IDENTIFIER, _OCTETS, _EXPLICIT = 0x10, 0x06, 0x04, 0xA0
_CONSTRUCTED, _NUMBER = 0x20, 0x1F
_DEEPEST = 16


class _CutError(Exception):
    """The bytes are not what their lengths say."""


def content_of(signed: bytes) -> bytes:
    """The bytes that were signed; empty where these are no signed data or their content stands elsewhere."""
    try:
        fields = _children(_only(signed), 0)
        if len(fields) < 2 or fields[0] != (_OBJECT_IDENTIFIER, _SIGNED_DATA) or fields[1][0] != _EXPLICIT:
            return b""
        # version, digest algorithms, then what is signed: its kind and, unless it is detached, its bytes
        data = _children(_children(fields[1][1], 1)[0][1], 2)
        holder = _children(next(value for tag, value in data[1:] if tag & _NUMBER == _SEQUENCE), 3)
        return b"".join(_octets(tag, value, 4) for tag, value in _children(holder[1][1], 4)) if len(holder) > 1 else b""
    except (_CutError, IndexError, StopIteration):
        return b""


def _only(content: bytes) -> bytes:
    tag, value, _ = _element(content, 0, 0)
    if tag & _NUMBER != _SEQUENCE:
        raise _CutError
    return value


def _octets(tag: int, value: bytes, depth: int) -> bytes:
    """An octet string, which may come in pieces."""
    if tag & _CONSTRUCTED:
        return b"".join(_octets(inner, piece, depth + 1) for inner, piece in _children(value, depth + 1))
    if tag != _OCTETS:
        raise _CutError
    return value


def _children(content: bytes, depth: int) -> list[tuple[int, bytes]]:
    """The elements one after the other, each as its tag and its content."""
    found: list[tuple[int, bytes]] = []
    position = 0
    while position < len(content):
        tag, value, position = _element(content, position, depth)
        found.append((tag, value))
    return found


def _element(content: bytes, position: int, depth: int) -> tuple[int, bytes, int]:
    """The element that begins here, and where the next begins (X.690 §8.1; a length may be left open)."""
    if depth > _DEEPEST or position + 2 > len(content):
        raise _CutError
    tag, length = content[position], content[position + 1]
    position += 2
    if length == 0x80:
        return _open_element(tag, content, position, depth)
    if length > 0x80:
        size = length & 0x7F
        length = int.from_bytes(content[position : position + size], "big")
        position += size
    if position + length > len(content):
        raise _CutError
    return tag, content[position : position + length], position + length


def _open_element(tag: int, content: bytes, position: int, depth: int) -> tuple[int, bytes, int]:
    """An element without a length: it ends with two zero bytes at its own depth."""
    begin = position
    while content[position : position + 2] != b"\x00\x00":
        _, _, position = _element(content, position, depth + 1)
    return tag, content[begin:position], position + 2
