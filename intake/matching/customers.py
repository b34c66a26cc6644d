"""Who wrote: the exact address, then the firm's domain, identifiers, a name; never a guess between two."""

from __future__ import annotations

import importlib.resources
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from intake.incoming import Incoming
from intake.matching.articles import root
from intake.reading.values import Reading
from intake.reading.words import plain, words

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as matching sees it; `domains` are his alone, `signatures` are names that he writes under."""

    code: str
    name: str
    emails: tuple[str, ...] = ()
    siren: str = ""
    phones: tuple[str, ...] = ()
    vat_number: str = ""
    street: str = ""
    city: str = ""
    domains: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()


@cache
def _free_mail() -> frozenset[str]:
    text = (importlib.resources.files("intake") / "vocabulary" / "freemail.csv").read_text("utf-8")
    return frozenset(line.strip().lower() for line in text.splitlines())


class Clue(StrEnum):
    """What says who wrote, surest first: a linked chat, a known address, then what only proposes a customer."""

    LINK = "link"
    ADDRESS = "address"
    LEARNED = "learned"
    DOMAIN = "domain"
    FORWARD = "forward"
    NUMBER = "number"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Identified:
    """The customer and what says so; without a code, the customers between whom somebody must choose."""

    code: str | None = None
    clue: Clue | None = None
    others: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Nobody needs to confirm it: the chat is linked, the address or the whole domain is known to be his alone."""
        return self.clue in {Clue.LINK, Clue.ADDRESS, Clue.LEARNED}

    @property
    def doubt(self) -> str:
        """What alone proposes him; empty when nobody needs to confirm it."""
        return "" if self.certain or self.clue is None else self.clue.value


def who(
    incoming: Incoming,
    customers: Sequence[CustomerRow],
    reading: Reading | None = None,
    *,
    ours: frozenset[str] = NOBODY,
) -> str | None:
    """The code of the one customer that the message points at; None when there is none, or more than one."""
    return identify(incoming, customers, reading, ours=ours).code


def identify(
    incoming: Incoming,
    customers: Sequence[CustomerRow],
    reading: Reading | None = None,
    *,
    ours: frozenset[str] = NOBODY,
) -> Identified:
    """Who wrote and what says so; two that are as likely are both named, and none is claimed.

    A colleague who notes an order by telephone or forwards one is not the customer: what he writes about is. `ours`
    are the addresses and domains of the house; unless given, the domain that the message was sent to.
    """
    if incoming.customer_code is not None:
        return Identified(incoming.customer_code, Clue.LINK)
    email = incoming.sender.email.lower()
    papers = reading.papers if reading is not None else ""
    written = f"{incoming.sender.name}\n{incoming.subject}\n{incoming.text}\n{papers}"
    colleague = is_ours(email, ours or own_domain(incoming))
    for clue, candidates in (
        (Clue.ADDRESS, [] if colleague or not email else [row for row in customers if email in row.emails]),
        (Clue.LEARNED, [] if colleague else [row for row in customers if domain_of(email) in row.domains]),
        (Clue.DOMAIN, [] if colleague else _of_the_house(email, customers)),
        (Clue.NUMBER, _of_numbers(customers, written, reading)),
        (Clue.NAME, [row for row in customers if any(_signed(written, name) for name in row.signatures)]),
    ):
        if len(candidates) == 1:
            return Identified(candidates[0].code, clue)
        if candidates:
            chosen = _one(candidates, written)
            others = tuple(row.code for row in candidates) if chosen is None else ()
            return Identified(chosen, Clue.NAME if chosen is not None else None, others)
    named = _one(customers, written, least=0.75)
    return Identified(named, Clue.NAME if named is not None else None)


def is_ours(email: str, ours: frozenset[str]) -> bool:
    """The address is a colleague's: known itself, or by its domain."""
    return bool(email) and (email in ours or domain_of(email) in ours)


def own_domain(incoming: Incoming) -> frozenset[str]:
    """The domain that the message was sent to, unless it is everybody's; who is copied may be the customer's own."""
    return private_domains(address.email for address in incoming.recipients[:1])


def private_domains(emails: Iterable[str]) -> frozenset[str]:
    """The mail domains of these addresses that are not everybody's."""
    return frozenset(domain_of(email) for email in emails) - _free_mail() - {""}


def domain_of(email: str) -> str:
    """What stands after the at sign."""
    return email.partition("@")[2].lower()


def _of_the_house(email: str, customers: Sequence[CustomerRow]) -> list[CustomerRow]:
    """The customers with the sender's mail domain, unless it is everybody's."""
    return [row for row in customers if private_domains([email]) & {domain_of(each) for each in row.emails}]


def _signed(written: str, name: str) -> bool:
    """The name stands in the message, as whole words."""
    return bool(re.search(rf"(?<!\w){re.escape(plain(name))}(?!\w)", plain(written)))


def _of_numbers(customers: Sequence[CustomerRow], written: str, reading: Reading | None) -> list[CustomerRow]:
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


def _one(candidates: Sequence[CustomerRow], written: str, *, least: float = 0.2) -> str | None:
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
