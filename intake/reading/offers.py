"""Lines of our own offer that a customer orders by their numbers: « ligne 1 et 3 de votre offre »."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

from intake.reading.words import phrase, plain, words

#: A position of the offer, and the quantity where the customer gives another one than the offer's.
OfferLines = tuple[tuple[int, Decimal | None], ...]
_MOST = 200


def of_offer(text: str) -> OfferLines:
    """The lines of an offer that the text asks for; none where it speaks of no offer, or leaves lines out of it."""
    flat = plain(text)
    if not _offer().search(flat):
        return ()
    found: dict[int, Decimal | None] = {}
    for mention in _mention().finditer(flat):
        before = flat[max(0, mention.start() - 25) : mention.start()]
        if phrase("lines", "negation").search(before):
            return ()
        numbers = _numbers(mention["numbers"])
        behind = _quantity_behind().match(flat, mention.end())
        said = _quantity_before().search(before)
        quantity = behind["quantity"] if behind else said["quantity"] if said else None
        for number in numbers:
            one = len(numbers) == 1 and quantity is not None
            found[number] = Decimal(quantity.replace(",", ".")) if one and quantity else found.get(number)
    return tuple(found.items())


def without_mentions(flat: str) -> str:
    """The plain text of the same length without what names lines of an offer, quantities included."""
    if not _offer().search(flat):
        return flat
    pattern = rf"(?:{_quantity_before().pattern[:-1]})?(?:{_mention().pattern})(?:{_quantity_behind().pattern})?"
    pattern = re.sub(r"\?P<(\w+)>", "?:", pattern)
    return re.sub(pattern, lambda found: re.sub(r"[^\n]", " ", found[0]), flat)


def _numbers(written: str) -> list[int]:
    """« 1, 2 et 4 » as numbers; « 2 a 5 » counts up."""
    upto = re.fullmatch(r"(\d+)\s*(?:a|-|to)\s*(\d+)", written.strip())
    if upto and int(upto[1]) < int(upto[2]) <= _MOST:
        return list(range(int(upto[1]), int(upto[2]) + 1))
    return [int(number) for number in re.findall(r"\d+", written) if 0 < int(number) <= _MOST]


@cache
def _offer() -> re.Pattern[str]:
    labels = words("documents")["labels"]["quote"]
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(map(plain, labels), key=len, reverse=True))})(?!\w)")


@cache
def _mention() -> re.Pattern[str]:
    named = "|".join(words("documents")["labels"]["line"])
    one = rf"(?:(?:la |le |les )?(?:{named})\s+)?(?:n°\s?)?\d{{1,3}}"
    return re.compile(
        rf"(?<!\w)(?:{named})\s+(?:n°\s?)?(?P<numbers>\d{{1,3}}(?:\s*(?:,|et|&|and|\ba\b|-|to)+\s*{one}(?![\w,.]\d))*)(?!\w)"
    )


@cache
def _quantity_behind() -> re.Pattern[str]:
    return re.compile(rf"\s*(?:[:x=]|{_labels()})\s*(?P<quantity>\d{{1,6}}(?:[.,]\d{{1,3}})?)(?!\w)")


@cache
def _quantity_before() -> re.Pattern[str]:
    return re.compile(
        rf"(?:{_labels()})?\s*(?<![\w,.])(?P<quantity>\d{{1,6}})\s+(?:\w+\s+)?(?:de|pour|sur|of|for)\s+(?:la |the )?$"
    )


@cache
def _labels() -> str:
    return "|".join(words("numbers")["words"]["quantity_labels"])
