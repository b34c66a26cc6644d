"""Measures the reader on the case sets beside this file: `python tests/intake/cases/measure.py [dev|opened|heldout]`.

Prints a table by trade, then how often a confident line is right with the lower end of its 95 % interval (one-sided,
Clopper and Pearson). A line is right when the message's truth holds its article and base quantity and no other line
took it; a line claimed in a message that orders nothing is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from intake.evaluate_rates import lower_bound
from intake.read_files import read_files

HERE = Path(__file__).parent
CONFIDENT = 0.9


@dataclass(slots=True)
class Tally:
    """Counts over a set of messages."""

    messages: int = 0
    kinds: int = 0
    customers: int = 0
    orders: int = 0
    exact: int = 0
    touchless: int = 0
    asked: int = 0
    found: int = 0
    given: int = 0
    right: int = 0
    confident: int = 0
    confident_right: int = 0

    def add(self, other: Tally) -> None:
        """Add the counts of another set."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


def cases(folder: Path, split: str | None) -> Iterator[dict[str, Any]]:
    """The messages of a trade with their truth."""
    for line in (folder / "truth.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        if split is None or case["split"] == split:
            yield case


def measured(folder: Path, split: str | None) -> tuple[Tally, list[str]]:
    """The counts over one trade, and a sentence for each silent error."""
    tally, silent = Tally(), []
    by_day: dict[str, list[dict[str, Any]]] = {}
    for case in cases(folder, split):
        by_day.setdefault(case["today"], []).append(case)
    for day, of_day in by_day.items():
        paths = [folder / "messages" / case["source"] for case in of_day]
        files = {"catalogue": folder / "catalogue.csv", "customers": folder / "customers.csv"}
        for case, answer in zip(of_day, read_files(paths, **files, today=date.fromisoformat(day)), strict=True):
            counted, errors = compared(case, answer)
            tally.add(counted)
            silent += [f"{case['id']}: {error}" for error in errors]
    return tally, silent


def compared(case: dict[str, Any], answer: dict[str, Any]) -> tuple[Tally, list[str]]:
    """One answer against its truth."""
    tally, silent = Tally(messages=1), []
    kind_right = answer["kind"] in (case.get("acceptable_kinds") or [case["kind"]])
    customer_right = answer["customer"] in (case.get("acceptable_customers") or [case["customer"]])
    tally.kinds, tally.customers = int(kind_right), int(customer_right)
    given = [line for line in answer["lines"] if line["base_quantity"] is None or Decimal(line["base_quantity"])]
    if not case.get("lines_scored", True):
        return tally, silent
    open_truth = list(case["lines"])
    all_sure = True
    for line in sorted(given, key=lambda one: -one["confidence"]):
        truth = next((one for one in open_truth if fits(one, line)), None)
        claimed = line["sku"] is not None
        sure = claimed and line["confidence"] >= CONFIDENT
        all_sure = all_sure and sure
        tally.given += claimed
        if sure:
            tally.confident += 1
        good = truth is not None and (truth["sku"] is not None or not sure or not truth.get("acceptable_skus"))
        if truth is not None:
            open_truth.remove(truth)
        if good:
            tally.right += claimed
            tally.confident_right += sure
        elif sure:
            silent.append(f"{line['text']!r}: {line['sku']} x {line['base_quantity']} at {line['confidence']}")
    scored = [one for one in case["lines"] if not one.get("optional")]
    missed = [one for one in open_truth if not one.get("optional")]
    tally.asked, tally.found = len(scored), len(scored) - len(missed)
    if case["kind"] == "order":
        whole = not missed and len(given) <= len(case["lines"])
        exact = whole and answer["repeat_of_last_order"] == bool(case.get("repeat_of_last_order"))
        tally.orders, tally.exact = 1, int(exact)
        tally.touchless = int(exact and kind_right and customer_right and all_sure)
    return tally, silent


def fits(truth: dict[str, Any], line: dict[str, Any]) -> bool:
    """The line is what the truth asks for: article (or none where none is known) and base quantity."""
    skus = {truth["sku"], *(truth.get("acceptable_skus") or [])}
    if line["sku"] not in skus:
        return False
    if line["sku"] is None:
        return truth["quantity"] is None or same(line["quantity"], truth["quantity"])
    bases = truth.get("acceptable_base_quantities") or [truth["base_quantity"]]
    unsettled = truth["sku"] is None and bases == [None]
    return unsettled or any(same(line["base_quantity"], base) for base in bases)


def same(one: str | None, other: str | None) -> bool:
    """Both are the same number, or both unknown."""
    if one is None or other is None:
        return one is other
    return abs(Decimal(one) - Decimal(other)) <= Decimal("0.0001") * max(Decimal(1), abs(Decimal(other)))


def report(split: str | None) -> Iterator[str]:
    """The table and the silent errors, line by line; those of the part that stays unseen are only counted."""
    yield f"{'trade':<10} messages kind  who recall prec exact touchless lines>=0.9 right"
    whole, silent = Tally(), []
    for folder in sorted(path.parent for path in HERE.glob("*/truth.jsonl")):
        tally, errors = measured(folder, split)
        whole.add(tally)
        silent += [f"{folder.name} {error}" for error in errors]
        yield row(folder.name, tally)
    yield row("all", whole)
    if split in {"dev", "opened"}:
        yield from silent
    right, tried = whole.confident_right, whole.confident
    bound = lower_bound(right, tried)
    yield f"{split or 'all'}: {right} of {tried} confident lines are right, at least {bound:.4f} (95 %)"


def row(name: str, tally: Tally) -> str:
    """One line of the table."""

    def share(part: int, of: int) -> str:
        return f"{part / of:.2f}" if of else "-"

    return (
        f"{name:<10} {tally.messages:>8} {share(tally.kinds, tally.messages)} {share(tally.customers, tally.messages)}"
        f"   {share(tally.found, tally.asked)} {share(tally.right, tally.given)}  {share(tally.exact, tally.orders)}"
        f"      {share(tally.touchless, tally.orders)} {tally.confident:>10} {tally.confident_right:>5}"
    )


if __name__ == "__main__":
    for text in report(sys.argv[1] if len(sys.argv) > 1 else None):
        sys.stdout.write(f"{text}\n")
