"""Whether a message asks to change the customer's own card: what it says is shown to people and never done (S07)."""

from __future__ import annotations

import re
from functools import cache

from core.card_changes import CardPoint
from intake.reading.words import plain, words


@cache
def _patterns() -> dict[CardPoint, re.Pattern[str]]:
    return {point: re.compile("|".join(words("card_changes")[point.value]), re.DOTALL) for point in CardPoint}


def asked(text: str) -> tuple[CardPoint, ...]:
    """The points of his card that the words want to change."""
    flat = " ".join(plain(text).replace("\u2019", "'").split())
    return tuple(point for point, pattern in _patterns().items() if pattern.search(flat))
