"""The size of a picture from its first bytes, and whether it can hold anything to read (E44)."""

from __future__ import annotations

import struct

#: No order is written on a picture with a side this short: it is a logo, an icon of a signature, a rule.
SHORTEST_SIDE = 120
# the markers of a JPEG that carry its size (ITU T.81 §B.1.1.3): every start of frame
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def decorates(content: bytes) -> bool:
    """Whether the picture is too small to be read; False where its size cannot be told."""
    width, height = _size(content)
    return 0 < min(width, height) < SHORTEST_SIDE


def _size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels, zero where they cannot be told."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24:
        width, height = struct.unpack_from(">II", content, 16)
        return width, height
    if content[:4] == b"GIF8" and len(content) >= 10:
        width, height = struct.unpack_from("<HH", content, 6)
        return width, height
    return _jpeg(content) if content[:2] == b"\xff\xd8" else (0, 0)


def _jpeg(content: bytes) -> tuple[int, int]:
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        position += 2 + max(length, 2)
    return 0, 0
