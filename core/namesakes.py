"""Names as people type them: without case, accents and punctuation, and not always quite right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.parties import Customer

#: How much alike two names must be, of 100.
ALIKE = 75


def flat(text: str) -> str:
    """The letters and figures of a text, without case, accents and punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", bare))


def meant(known: Iterable[tuple[int, str, str]], words: str) -> list[int]:
    """Of (id, code, name), those whose code these words are, else whose name holds every word.

    Words without a letter or figure are looked for as they are.
    """
    wanted, bare = flat(words), words.strip()
    exact, found = list[int](), list[int]()
    for number, code, name in known:
        if wanted and flat(code) == wanted:
            exact.append(number)
        elif (wanted and all(word in flat(name) or word == flat(code) for word in wanted.split())) or (
            not wanted and bare and bare in name
        ):
            found.append(number)
    return exact or found


def similar_customers(session: Session, words: str, *, limit: int = 4) -> list[Customer]:
    """Active customers whose names are written much like these words, the nearest first."""
    from rapidfuzz import fuzz, process

    from core.parties import Customer

    names = session.execute(select(Customer.id, Customer.name).where(Customer.active).order_by(Customer.name)).all()
    flattened = {number: flat(name) for number, name in names}
    near = process.extract(flat(words), flattened, scorer=fuzz.WRatio, limit=limit, score_cutoff=ALIKE)
    return [session.get_one(Customer, number) for _, _, number in near]
