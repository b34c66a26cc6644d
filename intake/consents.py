"""Whether an answer says a plain yes or no to our quote, recap or terms; a reserve or a question is for a person."""

from __future__ import annotations

import importlib.resources
import re
import tomllib
from dataclasses import dataclass
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
    flat = plain(without_closing(text).replace("\u2019", "'"))
    known = _patterns()
    if known["declines"].search(flat):
        return Consent.RESERVED if "?" in flat else Consent.DECLINED
    if not known["accepts"].search(flat):
        return None
    rest = known["accepts"].sub(" ", _DAY.sub(" ", _REFERENCE.sub(" ", flat)))
    other = re.sub(r"[^\w?]", "", known["courtesies"].sub(" ", rest))
    return Consent.RESERVED if other or known["reserves"].search(rest) else Consent.ACCEPTED


@dataclass(frozen=True, slots=True)
class TermsConsent:
    """What is said about our terms of sale: the sentence, the version it names, and whether nothing else is said."""

    consent: Consent
    words: str
    version: str
    alone: bool


def terms(text: str) -> TermsConsent | None:
    """The customer's yes to our terms of sale; None where nothing of the kind is said.

    A reserve, a question or a negation in any sentence about terms or articles makes it `RESERVED`, and so does any
    word beside courtesies in a text that is about nothing else.
    """
    said, known = without_closing(text).replace("\u2019", "'"), _patterns()
    found = next((part for part in _sentences(said) if known["terms_accepts"].search(plain(part))), None)
    if found is None:
        return None
    flat = plain(said)
    doubts = any(
        known["terms"].search(plain(part)) and known["reserves"].search(plain(part).replace("sans reserve", ""))
        for part in _sentences(said)
    ) or bool(known["terms_doubts"].search(flat))
    rest = flat
    for name in ("terms_accepts", "terms_courtesies", "courtesies"):
        rest = known[name].sub(" ", _DAY.sub(" ", rest))
    alone = not re.sub(r"[^\w?]", "", rest)
    version = known["terms_version"].search(plain(found))
    return TermsConsent(
        Consent.RESERVED if doubts else Consent.ACCEPTED, " ".join(found.split()),
        version["version"].strip(".,;") if version is not None else "", alone,
    )  # fmt: skip


def _sentences(text: str) -> list[str]:
    """The lines, each cut into its sentences, then the paragraphs: a mail may be wrapped anywhere."""
    wrapped = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    return [
        part for block in (*text.splitlines(), *wrapped) for part in re.split(r"(?<=[.!?;])\s+", block) if part.strip()
    ]


def answer(text: str, meaning: str) -> bool:
    """Whether the whole text, courtesies aside, is one of the short answers `yes`, `new_order` or `stop`."""
    flat = " ".join(plain(without_closing(text).replace("\u2019", "'")).split())
    opened = re.sub(rf"^(?:{phrase('zones', 'greetings').pattern})\b[ ,.!]*", "", flat)
    bare = re.sub(rf"\b(?:{_patterns()['courtesy'].pattern})(?!\w)", "", opened)
    said = _patterns()[meaning].pattern
    return bool(re.fullmatch(rf"(?:{said})(?:[ ,.;!]+(?:{said}))*", " ".join(bare.split()).strip(" .,;!")))


def names_an_offer(text: str) -> bool:
    """The words speak of a quote, an offer."""
    return bool(_patterns()["offers"].search(plain(text)))


def without_closing(text: str) -> str:
    """The words before the closing and the signature, which may hold telephone numbers."""
    end = re.compile(rf"(?:--|{phrase('zones', 'closings').pattern})(?!\w)")
    kept: list[str] = []
    for line in text.splitlines():
        if kept and end.match(plain(line).strip()):
            break
        kept.append(line)
    return "\n".join(kept)
