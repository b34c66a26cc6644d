"""Who wrote: the exact address, then the firm's domain, identifiers, a name; never a guess between two."""

from __future__ import annotations

import importlib.resources
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from intake.incoming import Incoming
from intake.matching.articles import root
from intake.reading.values import Reading
from intake.reading.words import plain, words


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as matching sees it."""

    code: str
    name: str
    emails: tuple[str, ...] = ()
    siren: str = ""
    phones: tuple[str, ...] = ()
    vat_number: str = ""
    street: str = ""
    city: str = ""


@cache
def _free_mail() -> frozenset[str]:
    text = (importlib.resources.files("intake") / "vocabulary" / "freemail.csv").read_text("utf-8")
    return frozenset(line.strip().lower() for line in text.splitlines())


def who(incoming: Incoming, customers: list[CustomerRow], reading: Reading | None = None) -> str | None:
    """The code of the one customer that the message points at; None when there is none, or more than one.

    A colleague who notes an order by telephone or forwards one is not the customer: what he writes about is.
    """
    if incoming.customer_code is not None:
        return incoming.customer_code
    email = incoming.sender.email.lower()
    papers = reading.papers if reading is not None else ""
    written = f"{incoming.sender.name}\n{incoming.subject}\n{incoming.text}\n{papers}"
    for candidates in (
        [row for row in customers if email and email in row.emails],
        _of_the_house(incoming, customers),
        _of_numbers(customers, written, reading),
    ):
        if candidates:
            return candidates[0].code if len(candidates) == 1 else _one(candidates, written)
    return _one(customers, written, least=0.75)


def _of_the_house(incoming: Incoming, customers: list[CustomerRow]) -> list[CustomerRow]:
    """The customers with the sender's mail domain, unless it is everybody's or our own."""
    domain = incoming.sender.email.lower().partition("@")[2]
    ours = {address.email.partition("@")[2].lower() for address in incoming.recipients}
    if not domain or domain in _free_mail() | ours:
        return []
    return [row for row in customers if domain in {each.partition("@")[2] for each in row.emails}]


def _of_numbers(customers: list[CustomerRow], written: str, reading: Reading | None) -> list[CustomerRow]:
    """The customers whose SIREN, VAT number or telephone the message gives; by the buyer's name when they share it."""
    given = "\n".join(reading.numbers) if reading is not None else ""
    names = [plain(name) for name in reading.names] if reading is not None else []
    numbers = re.sub(r"[ \t.\u00a0\u202f]", "", f"{written}\n{given}")
    known = [row for row in customers if _identified(row, numbers)]
    named = [row for row in known or customers if plain(row.name) in names]
    return named or known


def _identified(row: CustomerRow, numbers: str) -> bool:
    """His SIREN, VAT number or telephone stands in the message."""
    for number in (row.siren, row.vat_number, *row.phones):
        compact = re.sub(r"[\s.]", "", number)
        if len(compact) >= 9 and re.search(rf"(?<!\d){compact}(?:\d{{5}})?(?!\d)", numbers):
            return True
    return False


def _one(candidates: list[CustomerRow], written: str, *, least: float = 0.2) -> str | None:
    """The one whose name the text says best, counting what tells the candidates apart; None on a tie."""
    said = set(_words(written))
    names = {row.code: _words(row.name) for row in candidates}
    seen = Counter(word for name in names.values() for word in set(name))
    scores: list[tuple[float, str]] = []
    for row in candidates:
        weights = {word: 1.0 / seen[word] for word in names[row.code]}
        whole = sum(weights.values()) or 1.0
        got = sum(weight for word, weight in weights.items() if word in said)
        place = 0.0
        for words_ in (_words(row.street), _words(row.city)):
            place += 0.15 if words_ and set(words_) <= said else 0.0
        scores.append((got / whole + (place if got else 0.0), row.code))
    scores.sort(reverse=True)
    if not scores or scores[0][0] < least or (len(scores) > 1 and scores[0][0] - scores[1][0] < 0.1):
        return None
    return scores[0][1]


def _words(text: str) -> list[str]:
    stop = set(words("words")["stop"])
    return [root(word) for word in re.findall(r"[a-z0-9]{2,}", plain(text)) if word not in stop and not word.isdigit()]
