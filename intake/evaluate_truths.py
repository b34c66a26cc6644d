"""What was right of a message that was read in shadow mode: its lines against what is known to be true of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from intake.reading import Kind

CONFIDENT = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Given:
    """A line as it was read: the article or none, how many sales units, how sure."""

    sku: str | None
    quantity: Decimal | None
    confidence: Decimal
    written: Decimal | None = None

    @property
    def confident(self) -> bool:
        """The desk would not ask."""
        return self.sku is not None and self.confidence >= CONFIDENT


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line as it should be: one of these articles (none: it is not ours, or nobody can say which) and quantities."""

    skus: frozenset[str]
    quantities: frozenset[Decimal | None]
    open: bool = False
    optional: bool = False
    written: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a message: `lines` None where they are not to be compared, `repeats` that it orders again."""

    kinds: frozenset[str]
    customers: frozenset[str | None]
    lines: tuple[Wanted, ...] | None
    repeats: bool = False

    @property
    def is_order(self) -> bool:
        """Something was really ordered."""
        return Kind.ORDER.value in self.kinds


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the lines of one message compare."""

    exact: bool
    silent: int
    confident: int


def compare(given: Sequence[Given], wanted: Sequence[Wanted]) -> Verdict:
    """Pair the lines, the best pairs first; a confident line that is wrong, or too much, is a silent error."""
    free, left = list(given), list(wanted)
    exact, silent = True, 0
    for fits in (_right, _same_article, _left_open):
        for line in list(left):
            found = next((one for one in free if fits(one, line)), None)
            if found is None:
                continue
            free.remove(found)
            left.remove(line)
            asked = line.open and found.confident  # nobody could say which: it had to be asked
            if asked or not _right(found, line):
                exact = False
                silent += found.confident
    exact = exact and not free and all(line.optional for line in left)
    silent += sum(line.confident for line in free)
    return Verdict(exact, silent, sum(line.confident for line in given))


def _right(given: Given, wanted: Wanted) -> bool:
    if given.sku is None:
        counted = wanted.written is None or wanted.written in {given.written, given.quantity}
        return wanted.open and (counted or given.quantity in wanted.quantities)
    if given.sku not in wanted.skus:
        return False
    return given.quantity in wanted.quantities or (wanted.open and wanted.quantities == {None})


def _same_article(given: Given, wanted: Wanted) -> bool:
    return given.sku in wanted.skus


def _left_open(given: Given, wanted: Wanted) -> bool:
    return given.sku is None and wanted.open


def of_sample(case: dict[str, Any]) -> Truth:
    """The truth of a line of `truth.jsonl`, in the shape of the shared samples."""
    lines = tuple(_wanted(line) for line in case.get("lines") or ())
    return Truth(
        kinds=frozenset(case.get("acceptable_kinds") or [case["kind"]]),
        customers=frozenset(case.get("acceptable_customers") or [case.get("customer")]),
        lines=lines if case.get("lines_scored", True) else None,
        repeats=bool(case.get("repeat_of_last_order")),
    )


def _wanted(line: dict[str, Any]) -> Wanted:
    sku, others = line.get("sku"), line.get("acceptable_skus") or []
    counts = line.get("acceptable_base_quantities") or [line.get("base_quantity")]
    return Wanted(
        skus=frozenset([*([sku] if sku else []), *others]),
        quantities=frozenset(_number(count) for count in counts),
        open=sku is None, optional=bool(line.get("optional")), written=_number(line.get("quantity")),
    )  # fmt: skip


def _number(value: object) -> Decimal | None:
    return None if value in {None, ""} else Decimal(str(value).replace(",", "."))
