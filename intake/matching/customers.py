"""Who wrote: the exact address, then the firm's domain, identifiers, a name; never a guess between two.

All customers are looked at once, when their `Directory` is made: finding one costs the same among ten and ten thousand.
"""

from __future__ import annotations

import importlib.resources
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache

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


@dataclass(slots=True)
class Directory:
    """The customers, ready to be asked for: by address, domain, number and the words of their names."""

    rows: Sequence[CustomerRow]
    by_email: dict[str, list[int]] = field(init=False)
    by_domain: dict[str, list[int]] = field(init=False)
    by_own_domain: dict[str, list[int]] = field(init=False)
    by_number: dict[str, list[int]] = field(init=False)
    by_name: dict[str, list[int]] = field(init=False)
    by_word: dict[str, list[int]] = field(init=False)
    signatures: list[tuple[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_email, self.by_domain = defaultdict(list), defaultdict(list)
        self.by_own_domain, self.by_number = defaultdict(list), defaultdict(list)
        self.by_name, self.by_word = defaultdict(list), defaultdict(list)
        self.signatures = [(plain(name), place) for place, row in enumerate(self.rows) for name in row.signatures]
        for place, row in enumerate(self.rows):
            for found, keys in (
                (self.by_email, row.emails),
                (self.by_domain, {domain_of(email) for email in row.emails}),
                (self.by_own_domain, row.domains),
                (self.by_number, {number for said in _numbers_of(row) if len(number := _compact(said)) >= 9}),
                (self.by_name, (plain(row.name),)),
                (self.by_word, set(_words(row.name))),
            ):
                for key in keys:
                    found[key].append(place)

    @classmethod
    def of(cls, customers: Sequence[CustomerRow] | Directory) -> Directory:
        """The directory of these customers; one that is made already is taken as it is."""
        return customers if isinstance(customers, Directory) else cls(customers)


def who(
    incoming: Incoming, customers: Sequence[CustomerRow] | Directory, reading: Reading | None = None, *,
    ours: frozenset[str] = NOBODY,
) -> str | None:  # fmt: skip
    """The code of the one customer that the message points at; None when there is none, or more than one."""
    return identify(incoming, customers, reading, ours=ours).code


def identify(
    incoming: Incoming, customers: Sequence[CustomerRow] | Directory, reading: Reading | None = None, *,
    ours: frozenset[str] = NOBODY,
) -> Identified:  # fmt: skip
    """Who wrote and what says so; two that are as likely are both named, and none is claimed.

    A colleague who notes an order by telephone or forwards one is not the customer: what he writes about is. `ours`
    are the addresses and domains of the house; unless given, the domain that the message was sent to.
    """
    if incoming.customer_code is not None:
        return Identified(incoming.customer_code, Clue.LINK)
    known, email = Directory.of(customers), incoming.sender.email.lower()
    papers = reading.papers if reading is not None else ""
    written = f"{incoming.sender.name}\n{incoming.subject}\n{incoming.text}\n{papers}"
    stages: tuple[tuple[Clue, Callable[[], list[int]]], ...] = (
        (Clue.ADDRESS, lambda: known.by_email.get(email, [])),
        (Clue.LEARNED, lambda: known.by_own_domain.get(domain_of(email), [])),
        (Clue.DOMAIN, lambda: known.by_domain.get(next(iter(private_domains([email])), ""), [])),
        (Clue.NUMBER, lambda: _by_numbers(known, written, reading)),
        (Clue.NAME, lambda: _by_signature(known, plain(written))),
    )
    unknown = not email or is_ours(email, ours or own_domain(incoming))
    for clue, find in stages[3:] if unknown else stages:
        candidates = [known.rows[place] for place in find()]
        if len(candidates) == 1:
            return Identified(candidates[0].code, clue)
        if candidates:
            chosen = _one(Directory(candidates), written)
            others = tuple(row.code for row in candidates) if chosen is None else ()
            return Identified(chosen, Clue.NAME if chosen is not None else None, others)
    named = _one(known, written, least=0.75)
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


def _by_signature(known: Directory, flat: str) -> list[int]:
    """The customers a name of whose stands in the message, as whole words."""
    found = (
        place for name, place in known.signatures
        if name in flat and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", flat)
    )  # fmt: skip
    return list(dict.fromkeys(found))


def _by_numbers(known: Directory, written: str, reading: Reading | None) -> list[int]:
    """The customers whose SIREN, VAT number or telephone the message gives; by the buyer's name when they share it."""
    given = "\n".join(reading.numbers) if reading is not None else ""
    found: dict[int, None] = {}
    for number in _said_numbers(f"{written}\n{given}"):
        found |= dict.fromkeys(known.by_number.get(number, ()))
    names = [plain(name) for name in reading.names] if reading is not None else []
    named = dict.fromkeys(place for name in names for place in known.by_name.get(name, ()))
    if found and named:
        named = {place: None for place in found if place in named}
    return sorted(named or found)


def _numbers_of(row: CustomerRow) -> tuple[str, ...]:
    return (row.siren, row.vat_number, *row.phones)


def _compact(number: str) -> str:
    """A number as it is compared: without blanks and points, a French telephone with its 0."""
    return re.sub(r"^(?:\+|00)33(?:\(0\)|0)?(?=\d{9}$)", "0", re.sub(r"[\s./-]", "", number)).upper()


def _said_numbers(text: str) -> Iterator[str]:
    """The numbers of nine digits and more in a text, as they are compared: telephones, a SIREN inside its SIRET."""
    for phone in re.findall(r"(?<![\d+])(?:(?:\+|00)33 ?(?:\(0\) ?)?|0)\d(?:[ .\u00a0\u202f/-]?\d\d){4}(?!\d)", text):
        yield _compact(re.sub(r"[\u00a0\u202f]", "", phone))
    flat = re.sub(r"[ \t.\u00a0\u202f]", "", text).upper()
    for letters, digits in re.findall(r"([A-Z]{0,2})(?<!\d)(\d{9,})(?!\d)", flat):
        for number in (digits, digits[:-5]):
            yield number
            yield f"{letters}{number}"
        if letters == "FR" and len(digits) == 11:  # a French VAT number: two check digits, then the SIREN
            yield digits[2:]


def _one(known: Directory, written: str, *, least: float = 0.2) -> str | None:
    """The one whose name the text says best, counting what tells the customers apart; None on a tie."""
    said = set(_words(written))
    places = dict.fromkeys(place for word in said for place in known.by_word.get(word, ()))
    scores: list[tuple[float, str]] = []
    for place in places:
        row = known.rows[place]
        weights = {word: 1.0 / len(known.by_word[word]) for word in _words(row.name)}
        got = sum(weight for word, weight in weights.items() if word in said)
        there = sum(0.15 for words_ in (_words(row.street), _words(row.city)) if words_ and set(words_) <= said)
        scores.append((got / (sum(weights.values()) or 1.0) + there, row.code))
    scores.sort(reverse=True)
    second = scores[1][0] if len(scores) > 1 else 0.0
    if not scores or scores[0][0] < least or (len(known.rows) > 1 and scores[0][0] - second < 0.1):
        return None
    return scores[0][1]


@lru_cache(maxsize=16_384)
def _words(text: str) -> tuple[str, ...]:
    stop = set(words("words")["stop"])
    found = re.findall(r"[a-z0-9]{2,}", plain(text))
    return tuple(root(word) for word in found if word not in stop and not word.isdigit())
