"""The buyer's own terms in what he sent: each clause with the sentence that states it, and where he wants the goods.

A sentence that denies a clause, asks about it or speaks of ours states nothing; the first of each kind counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from core.clauses import DUE, INCOTERMS, PAID, Clause, ClauseKind
from intake.reading.words import plain, words

_LONGEST = 240
_TIMES = {"une": "1", "deux": "2", "trois": "3"}
_POSTCODE = re.compile(r"(?<!\d)\d{5}(?!\d)")
_BLOCK_LINES = 5


def clauses(parts: Iterable[tuple[str, str]]) -> tuple[Clause, ...]:
    """The clauses in these named texts (an empty name is the message itself), the first of each kind."""
    found: dict[ClauseKind, Clause] = {}
    for part, text in parts:
        for start, end in _sentences(text):
            written = text[start:end]
            for kind, value in _stated(plain(written).replace("\n", " ")):
                found.setdefault(kind, Clause(kind, value, _shown(written), part))
    return tuple(found.values())


def place(text: str) -> str:
    """Where the text wants the goods, on one line: what stands under the label up to the postcode, or beside it."""
    flat = plain(text)
    lines, flat_lines = text.split("\n"), flat.split("\n")
    for number, line in enumerate(flat_lines):
        label = _rule("place", "block").search(line)
        inline = None if label else _rule("place", "inline").search(line)
        if label is not None and (said := _block(lines, flat_lines, number, label.end())):
            return said
        if inline is not None:
            return _shown(lines[number][inline.end() :]).rstrip(" .!")
    return ""


def _block(lines: list[str], flat: list[str], number: int, start: int) -> str:
    taken: list[str] = []
    rest = lines[number][start:].lstrip(" :\t-")
    for line, bare in zip([rest, *lines[number + 1 :]], [plain(rest), *flat[number + 1 :]], strict=False):
        if (taken and not bare.strip()) or _rule("place", "stop").match(bare.strip()) or len(taken) == _BLOCK_LINES:
            break
        if bare.strip():
            taken.append(" ".join(line.split()))
        if _POSTCODE.search(bare):
            return ", ".join(taken)
    return taken[0] if rest.strip() and taken else ""


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for stop in _rule("sentences", "end").finditer(plain(text)):
        yield start, stop.start()
        start = stop.end()
    yield start, len(text)


@cache
def _rule(table: str, name: str) -> re.Pattern[str]:
    return re.compile(words("clauses")[table][name])


@cache
def _never(table: str) -> re.Pattern[str]:
    return re.compile("|".join(words("clauses")[table]["not"]))


def _stated(said: str) -> Iterator[tuple[ClauseKind, str]]:
    """What one plain sentence states."""
    payment = _payment(said)
    if payment is not None:
        yield ClauseKind.PAYMENT, payment
    rate = _rule("penalties", "rate").search(said)
    if rate is not None and not _never("penalties").search(said):
        percent, times = rate["percent"], rate["times"]
        yield ClauseKind.PENALTIES, percent.replace(",", ".") if percent else f"{_TIMES.get(times, times)}x"
    if (retention := _retention(said)) is not None:
        yield ClauseKind.RETENTION, retention
    if (delivery := _delivery(said)) is not None:
        yield ClauseKind.DELIVERY, delivery
    if _rule("delay", "stated").search(said) and not _never("delay").search(said):
        yield ClauseKind.DELAY, "yes"
    if not _never("liability").search(said):
        if _rule("liability", "unlimited").search(said):
            yield ClauseKind.LIABILITY, "unlimited"
        elif _rule("liability", "capped").search(said):
            yield ClauseKind.LIABILITY, "capped"
    claimed = _rule("purchase_terms", "named").search(said) or _rule("purchase_terms", "contrary").search(said)
    if claimed and not _never("purchase_terms").search(said):
        yield ClauseKind.PURCHASE_TERMS, "yes"


@cache
def _payments() -> re.Pattern[str]:
    rules = words("clauses")["payment"]
    stated = "|".join(rules[name] for name in ("end_first", "days", "cash"))
    return re.compile(rf"\b{rules['label']}\b{rules['before']}(?:{stated})")


def _payment(said: str) -> str | None:
    found = _payments().search(said)
    if found is None or _never("payment").search(said):
        return None
    if found["after"]:
        return f"eom {int(found['after'])}"
    if found["cash"]:
        return "0"
    return f"{int(found['days'])} eom" if found["eom"] else f"{int(found['days'])}"


def _retention(said: str) -> str | None:
    if _rule("retention", "named").search(said):
        return "no" if _rule("retention", "refused").search(said) else "yes"
    passed = _rule("retention", "passed").search(said)
    return "no" if passed and not _rule("retention", "later").search(said) else None


def _delivery(said: str) -> str | None:
    if _never("delivery").search(said):
        return None
    incoterm = _rule("delivery", "incoterm").search(said)
    code = (incoterm["code"] or incoterm["code2"]).upper() if incoterm is not None else ""
    if code in INCOTERMS:
        return code
    if _rule("delivery", "paid").search(said):
        return PAID
    return DUE if _rule("delivery", "due").search(said) else None


def _shown(written: str) -> str:
    flat = " ".join(written.split())
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"
