"""What a message asks and for whom: the inner message of a forward, its reading, its customer.

`comptoir read`, `comptoir evaluate` and the running desk all come through here, so that what is measured is what runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from intake.incoming import Incoming
from intake.matching.articles import CatalogueRow
from intake.matching.customers import NOBODY, Clue, CustomerRow, Directory, Identified, identify, is_ours, own_domain
from intake.mime import MAX_DEPTH
from intake.reading import Kind, Reading, dates, kinds, read, texts
from intake.reading.words import plain


@dataclass(frozen=True, slots=True)
class Request:
    """The message in which something is asked (the inner one of a forward), its reading, and who asks.

    `beside` counts other inner messages that ask for something too: a person must part them.
    """

    asked_in: Incoming
    reading: Reading
    who: Identified
    beside: int = 0


def request_of(
    incoming: Incoming, customers: Sequence[CustomerRow] | Directory, *, today: date, ours: frozenset[str] = NOBODY,
    codes: frozenset[str] = frozenset(),
) -> Request:  # fmt: skip
    """Choose the message in which something is asked, read it on that day, and say for whom it is.

    Who passes a message on is not its customer, unless he is one: a colleague (an address or domain of `ours`, else of
    the mailbox written to) asks for the inner sender, or for the customer whom his own words name. `codes` are those of
    our articles (`codes_of`): such a number counts nothing.
    """
    customers, machine = Directory.of(customers), kinds.machine(incoming)
    if machine is not None:
        who = Identified() if machine is Kind.BOUNCE else identify(incoming, customers, ours=ours)
        return Request(incoming, Reading(machine), who)
    house = ours or own_domain(incoming)
    inner_most, beside = _asked_in(incoming)
    reading = read(inner_most, today=today, codes=codes)
    if inner_most is not incoming and reading.requested_delivery_date is None:
        reading = replace(reading, requested_delivery_date=dates.wanted(incoming.text, today=today))
    outer = identify(incoming, customers, reading, ours=house)
    if inner_most is incoming or (outer.certain and not is_ours(incoming.sender.email.lower(), house)):
        return Request(inner_most, reading, outer, beside)
    inner = identify(inner_most, customers, reading, ours=house)
    if inner.code is None:
        inner = outer if outer.code is not None or not inner.others else inner
    elif inner.clue is not None:  # nobody vouches for the sender of an inner message
        inner = replace(inner, clue=Clue.FORWARD)
    return Request(inner_most, reading, inner, beside)


def codes_of(rows: Iterable[CatalogueRow]) -> frozenset[str]:
    """The codes of these articles as a text may hold them: plain, ours and the maker's."""
    return frozenset(
        code.lower() if code.isascii() else plain(code)
        for row in rows
        for code in (row.sku, row.gtin, row.supplier_reference)
        if code
    )


def asked_in(incoming: Incoming) -> Incoming:
    """The message in which something is asked: itself, or the inner one that it passes on."""
    return _asked_in(incoming)[0]


def _asked_in(incoming: Incoming) -> tuple[Incoming, int]:
    """The innermost message that holds the request, with the files that came beside it; how many others ask too."""
    found, beside = incoming, 0
    for _ in range(MAX_DEPTH):
        if not found.forwarded or texts.lines(found.text):
            break
        asking = [inner for inner in found.forwarded if texts.lines(inner.text) or inner.attachments or inner.forwarded]
        inner = asking[-1] if asking else found.forwarded[-1]
        beside += max(len(asking) - 1, 0)
        found = inner if inner.attachments else replace(inner, attachments=found.attachments)
    return found, beside
