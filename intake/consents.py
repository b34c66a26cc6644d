"""Whether an answer says a plain yes or no to our quote or recap; a reserve or a question is for a person."""

from __future__ import annotations

import importlib.resources
import re
import tomllib
from enum import StrEnum
from functools import cache

from intake.reading.words import phrase, plain

#: What a yes may name without asking for anything: the quote, the day on which it was signed.
_REFERENCE = re.compile(r"\b[a-z]{2,5}-\d{4}-\d{3,}(?:-\d+)?(?:\s+rev\.?\s*\d+)?")
_DAY = re.compile(r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b")


class Consent(StrEnum):
    """What the customer answers."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    RESERVED = "reserved"


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    file = importlib.resources.files("intake") / "vocabulary" / "consents.toml"
    return {name: re.compile("|".join(words)) for name, words in tomllib.loads(file.read_text("utf-8")).items()}


def answered(text: str) -> Consent | None:
    """The customer's answer; None for words that are no answer to an offer.

    A yes with any word beside courtesies, be it a reserve, a question, a number or a name, is `RESERVED`.
    """
    flat = plain(_without_closing(text).replace("\u2019", "'"))
    known = _patterns()
    if known["declines"].search(flat):
        return Consent.RESERVED if "?" in flat else Consent.DECLINED
    if not known["accepts"].search(flat):
        return None
    rest = known["accepts"].sub(" ", _DAY.sub(" ", _REFERENCE.sub(" ", flat)))
    other = re.sub(r"[^\w?]", "", known["courtesies"].sub(" ", rest))
    return Consent.RESERVED if other or known["reserves"].search(rest) else Consent.ACCEPTED


def names_an_offer(text: str) -> bool:
    """The words speak of a quote, an offer."""
    return bool(_patterns()["offers"].search(plain(text)))


def _without_closing(text: str) -> str:
    """The words before the closing and the signature, which may hold telephone numbers."""
    end = re.compile(rf"(?:--|{phrase('zones', 'closings').pattern})(?!\w)")
    kept: list[str] = []
    for line in text.splitlines():
        if kept and end.match(plain(line).strip()):
            break
        kept.append(line)
    return "\n".join(kept)
