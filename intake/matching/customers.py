"""Who wrote: the exact address first, then the firm's domain, then a name in the text; never a guess between two."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from functools import cache

from intake.incoming import Incoming
from intake.reading.words import plain


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as matching sees it."""

    code: str
    name: str
    emails: tuple[str, ...] = ()
    siren: str = ""


@cache
def _free_mail() -> frozenset[str]:
    text = (importlib.resources.files("intake") / "vocabulary" / "freemail.csv").read_text("utf-8")
    return frozenset(line.strip().lower() for line in text.splitlines())


def who(incoming: Incoming, customers: list[CustomerRow]) -> str | None:
    """The code of the one customer that the message points at; None when there is none, or more than one."""
    if incoming.customer_code is not None:
        return incoming.customer_code
    email = incoming.sender.email.lower()
    domain = email.partition("@")[2]
    written = plain(f"{incoming.sender.name}\n{incoming.text}\n{incoming.quoted}")
    by_domain = bool(domain) and domain not in _free_mail()
    candidates = (
        {row.code for row in customers if email and email in row.emails},
        {row.code for row in customers if by_domain and domain in {each.partition("@")[2] for each in row.emails}},
        {row.code for row in customers if row.siren and row.siren in written.replace(" ", "")},
        {row.code for row in customers if plain(row.name) in written},
    )
    for found in candidates:
        if len(found) == 1:
            return found.pop()
        if found:
            return None
    return None
