"""How much of a file is read, and how long, before it is left to a person with the reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MAX_BYTES = 25_000_000


class UnreadableError(ValueError):
    """The file is hostile, broken, locked or too large; the message is the code of the finding."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: processor and wall-clock seconds, bytes of memory, pages, rows, columns, zip entries.

    Each scanned page gets processor time of its own; tesseract runs in processes of its own, with limits of its own.
    """

    cpu_seconds: int = 6
    seconds: float = 8.0
    page_cpu_seconds: int = 3
    page_seconds: float = 30.0
    scan_seconds: float = 90.0
    memory: int = 1_200_000_000
    pages: int = 50
    scanned_pages: int = 10
    rows: int = 5_000
    columns: int = 200
    sheets: int = 30
    entries: int = 200
    entry_bytes: int = 50_000_000
    total_bytes: int = 100_000_000
    ratio: int = 200
    pixels: int = 60_000_000

    def as_values(self) -> dict[str, Any]:
        """The limits as plain values."""
        return asdict(self)
