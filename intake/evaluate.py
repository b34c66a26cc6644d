"""`comptoir evaluate`: messages are read again in shadow mode, and this firm's own rates are told.

Nothing is written and nothing is sent. The truth of a message is its line of `truth.jsonl`; else, on the firm's own
database, what an agent finally confirmed for it: every line that he changed counts against the reader, whatever his
reason. The database as it is now is used, with what was learned since: rates of the past are what it would do today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from intake.evaluate_rates import METHOD, Median, Share, median
from intake.evaluate_sources import Replayed
from intake.evaluate_truths import Given, Truth, compare
from intake.incoming import Channel
from intake.matching import Index
from intake.matching.customers import Directory
from intake.read_files import load_catalogue, load_customers
from intake.reading import AskedLine, Kind
from intake.requests import Request, codes_of, request_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from core.settings import Settings

#: The lines of a message of that customer, as they would be taken.
Take = Callable[[str | None, Sequence[AskedLine]], tuple[Given, ...]]


@dataclass(frozen=True, slots=True)
class Known:
    """What messages are read against: the customers, the catalogue as each one sees it, and the truth where known."""

    customers: Directory
    take: Take
    truth: Callable[[Replayed], Truth | None]
    ours: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    drafts_for_strangers: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """One message: what was read, in how many seconds, and how it compares with the truth, if that is known."""

    name: str
    kind: str
    customer: str | None
    seconds: float
    lines: int
    questions: int
    truth: Truth | None
    exact: bool = False
    touchless: bool = False
    silent: int = 0
    confident: int = 0
    compared: bool = False
    wrong_customer: bool = False


def of_files(catalogue: Path, customers: Path) -> Known:
    """Read against a catalogue and customers in files; only `truth.jsonl` knows the truth."""
    index = Index(load_catalogue(catalogue))

    def take(_customer: str | None, lines: Sequence[AskedLine]) -> tuple[Given, ...]:
        return tuple(_given(index, line) for line in lines)

    return Known(
        Directory(load_customers(customers)), take, lambda replayed: replayed.truth, codes=codes_of(index.rows)
    )


def _given(index: Index, line: AskedLine) -> Given:
    found = index.match(line)
    sku = found.row.sku if found.row is not None else None
    return Given(sku, found.base_quantity, found.confidence, line.quantity)


def of_database(engine: Engine, settings: Settings) -> Known:
    """Read against our own database, as the running desk would: each customer with his own names of articles."""
    from core.db import transaction
    from intake.evaluate_orders import confirmed_truth, taken
    from intake.understand.directories import directory, ours
    from intake.understand.opened import our_codes

    def take(customer: str | None, lines: Sequence[AskedLine]) -> tuple[Given, ...]:
        with transaction(engine) as session:
            return taken(session, customer, lines)

    def truth(replayed: Replayed) -> Truth | None:
        if replayed.truth is not None:
            return replayed.truth
        with transaction(engine) as session:
            return confirmed_truth(session, replayed.raw)

    with transaction(engine) as session:
        own = ours(session, settings)
        # whose message nobody can tell is shown to a person: no draft is made of it
        return Known(directory(session), take, truth, own, our_codes(session), drafts_for_strangers=False)


def evaluate(replayed: Iterable[Replayed], known: Known) -> Iterator[Result]:
    """The result of each message, one after the other."""
    known.take(None, ())  # what is made once is no message's time
    for one in replayed:
        begun = perf_counter()
        request = request_of(one.incoming, known.customers, today=one.today, ours=known.ours, codes=known.codes)
        drafted = request.who.code is not None or known.drafts_for_strangers
        given = known.take(request.who.code, request.reading.lines) if drafted else ()
        seconds = one.seconds + perf_counter() - begun
        yield _result(one, request, given, known.truth(one), seconds)


def _result(one: Replayed, request: Request, given: tuple[Given, ...], truth: Truth | None, seconds: float) -> Result:
    reading = request.reading
    ordered = reading.kind is Kind.ORDER
    drafted = tuple(line for line in given if line.quantity != 0) if ordered else ()
    # a lone file has no sender who could be certain
    doubted = ordered and not request.who.certain and one.incoming.channel is not Channel.FILE
    result = Result(
        name=one.name, kind=reading.kind.value, customer=request.who.code, seconds=seconds, lines=len(drafted),
        questions=sum(not line.confident for line in drafted) + doubted, truth=truth,
    )  # fmt: skip
    if truth is None or truth.lines is None:
        return result
    verdict = compare(drafted, truth.lines if truth.is_order else ())
    exact = truth.is_order and ordered and verdict.exact and reading.repeat_of_last_order == truth.repeats
    right = request.who.code in truth.customers
    return replace(
        result, compared=True, exact=exact, touchless=exact and right and all(line.confident for line in drafted),
        silent=verdict.silent, confident=verdict.confident,
        wrong_customer=ordered and request.who.certain and not right,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """The rates of a set of messages."""

    messages: int
    orders: int
    without_truth: int
    exact: Share
    touchless: Share
    silent: Share
    silent_orders: Share
    questions: Share
    asked_orders: Share
    wrong_customers: Share
    seconds: Median | None
    slowest: float

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object: shares with their interval, seconds with theirs."""
        shares = {
            name: {"count": share.count, "of": share.total, "share": share.value, "interval": [share.low, share.high]}
            for name, share in self.shares().items()
        }
        clock = self.seconds
        return {
            "messages": self.messages, "orders": self.orders, "without_truth": self.without_truth, **shares,
            "seconds": None if clock is None else {"median": clock.value, "interval": [clock.low, clock.high],
                                                   "slowest": self.slowest},
            "intervals": METHOD,
        }  # fmt: skip

    def shares(self) -> dict[str, Share]:
        """The shares by name, in the order in which they are told."""
        return {
            "exact_orders": self.exact, "touchless_orders": self.touchless, "silent_errors": self.silent,
            "orders_with_a_silent_error": self.silent_orders, "questions": self.questions,
            "orders_with_a_question": self.asked_orders, "wrong_customers": self.wrong_customers,
        }  # fmt: skip


def report(results: Iterable[Result]) -> Report:
    """The rates over all these messages."""
    found = list(results)
    compared = [one for one in found if one.compared]
    orders = [one for one in compared if one.truth is not None and one.truth.is_order]
    read = [one for one in found if one.kind == Kind.ORDER.value]
    times = [one.seconds for one in found]
    return Report(
        messages=len(found),
        orders=len(orders),
        without_truth=sum(one.truth is None for one in found),
        exact=Share(sum(one.exact for one in orders), len(orders)),
        touchless=Share(sum(one.touchless for one in orders), len(orders)),
        silent=Share(sum(one.silent for one in compared), sum(one.confident for one in compared)),
        silent_orders=Share(sum(one.silent > 0 for one in compared), len(compared)),
        questions=Share(sum(one.questions for one in read), sum(one.lines + 1 for one in read)),
        asked_orders=Share(sum(one.questions > 0 for one in read), len(read)),
        wrong_customers=Share(sum(one.wrong_customer for one in compared), len(compared)),
        seconds=median(times),
        slowest=max(times, default=0.0),
    )


def by_customer(results: Iterable[Result]) -> dict[str, Report]:
    """The same rates customer by customer: what is looked at before one is put on automatic confirmation."""
    parted: dict[str, list[Result]] = defaultdict(list)
    for one in results:
        known = one.truth.customers if one.truth is not None else frozenset({one.customer})
        code = one.customer if one.customer in known else next(iter(sorted(filter(None, known))), None)
        if code is not None:
            parted[code].append(one)
    return {code: report(some) for code, some in sorted(parted.items())}


def told(found: Report) -> Iterator[str]:
    """The report in lines of text."""
    others = found.messages - found.orders - found.without_truth
    known = f"{found.orders} orders and {others} others of known truth, {found.without_truth} of unknown truth"
    yield f"{found.messages} messages: {known}"
    for name, share in found.shares().items():
        if share.value is None:
            yield f"{name.replace('_', ' '):28} none to count"
            continue
        bounds = f"{100 * share.low:.1f} to {100 * share.high:.1f}"
        yield f"{name.replace('_', ' '):28} {share.count} of {share.total} = {100 * share.value:.1f} % ({bounds})"
    if found.seconds is not None:
        clock = found.seconds
        bounds = f"{clock.low:.3f} to {clock.high:.3f}"
        yield f"{'seconds a message':28} {clock.value:.3f} ({bounds}), slowest {found.slowest:.3f}"
    yield METHOD
