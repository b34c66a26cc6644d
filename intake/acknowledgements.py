"""Whether an answer to a delivery says, without any reserve, that everything was received."""

from __future__ import annotations

import importlib.resources
import re
import tomllib
import unicodedata
from functools import cache


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = tomllib.loads(
        (importlib.resources.files("intake") / "vocabulary" / "acknowledgements.toml").read_text("utf-8")
    )
    return re.compile("|".join(words["received"])), re.compile("|".join(words["reserves"]))


def all_received(text: str) -> bool:
    """True only for a plain yes: a word that may be a reserve makes it a matter for a person."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    received, reserves = _patterns()
    return bool(received.search(plain)) and not reserves.search(plain)
