"""Whose money a movement is and what it settles: pure arithmetic on what is owed, from the surest sign to the weakest.

In order: an exact reference, the numbers that the text names, amount and payer, the sum of several documents of one
customer. What has more than one explanation, or none, is a `Doubt` with candidates: nothing is guessed about money.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from core.bank.reading import bare
from core.money import ZERO, Money, total

if TYPE_CHECKING:
    from core.bank.reading import Movement

#: How many documents and steps a search for a sum may take: beyond that a person looks.
MOST_DOCUMENTS, MOST_STEPS = 24, 20_000
CANDIDATES = 4
_FORMS = frozenset({"SA", "SAS", "SASU", "SARL", "EURL", "SCI", "SNC", "SCOP", "EI", "STE", "SOCIETE", "ETS",
                    "ETABLISSEMENTS", "M", "MME", "MONSIEUR", "MADAME"})  # fmt: skip
_SEPARATORS = r"[\s\-_/.]*"


@dataclass(frozen=True, slots=True)
class Claim:
    """A document that is still to be paid; `discount` is what paying all of it until `discount_until` earns."""

    kind: str
    id: int
    number: str
    customer_id: int
    due: Money
    due_date: date
    references: tuple[str, ...] = ()
    discount: Money = ZERO
    discount_until: date | None = None

    def earned(self, on: date) -> Money:
        """The early-payment discount of that day."""
        return self.discount if self.discount_until is not None and on <= self.discount_until else ZERO


@dataclass(frozen=True, slots=True)
class Credit:
    """What a customer may still use: the surplus of an invoice, or a payment that settled less than it brought."""

    number: str
    customer_id: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Book:
    """What is owed and who pays from where, when a movement is looked at."""

    claims: Sequence[Claim] = ()
    credits: Sequence[Credit] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    accounts: Mapping[str, Collection[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """What the money settles of one document, and the discount that settles the rest of it."""

    claim: Claim
    pays: Money
    discount: Money = ZERO


@dataclass(frozen=True, slots=True)
class Use:
    """What a credit settles of one document."""

    credit: Credit
    claim: Claim
    amount: Money


@dataclass(frozen=True, slots=True)
class Match:
    """A certain answer; `rest` is what settles nothing and stays the customer's credit."""

    customer_id: int
    rule: str
    parts: tuple[Part, ...] = ()
    uses: tuple[Use, ...] = ()
    rest: Money = ZERO


@dataclass(frozen=True, slots=True)
class Doubt:
    """A question for accounting: why, whose money it probably is, and the documents it may be for."""

    reason: str
    candidates: tuple[Claim, ...] = ()
    customer_id: int | None = None


def match(movement: Movement, book: Book) -> Match | Doubt:
    """What a credit of the account settles."""
    amount = movement.amount + movement.fees
    named = _named(movement, book.claims)
    if named:
        return _by_number(amount, named, movement, book)
    short = _short(movement, book.claims)
    known = _by_account(movement, book)
    whose = known if known is not None else _by_name(movement, book)
    if short:
        own = [claim for claim in short if whose in {None, claim.customer_id}]
        found = _explained(amount, own, book, movement.value_on) if _one_customer(own) else None
        if found is not None:
            return _match("short_number", found, own)
        return _doubt("number_unclear", amount, [*own, *short], book, whose)
    if whose is None:
        return _doubt("payer_unknown", amount, [], book, None)
    return _of_customer(amount, whose, movement.value_on, book, sure=known is not None)


def of_customer(movement: Movement, customer_id: int, book: Book) -> Match | Doubt:
    """What the money settles once somebody has said whose it is."""
    return _of_customer(movement.amount + movement.fees, customer_id, movement.value_on, book, sure=True)


Found = tuple[tuple[Part, ...], tuple[Use, ...]]


def _match(rule: str, found: Found, claims: Sequence[Claim], rest: Money = ZERO) -> Match:
    return Match(claims[0].customer_id, rule, *found, rest)


def _by_number(amount: Money, named: list[Claim], movement: Movement, book: Book) -> Match | Doubt:
    """The text says what is paid: all of it, all less a credit or a discount, one in part, or more than all."""
    if not _one_customer(named):
        return _doubt("several_customers", amount, named, book, None)
    rule = "reference" if _is_reference(movement, named) else "number"
    if (found := _explained(amount, named, book, movement.value_on)) is not None:
        return _match(rule, found, named)
    due = total(claim.due for claim in named)
    if amount > due:
        return _match(rule, (tuple(Part(claim, claim.due) for claim in named), ()), named, amount - due)
    if len(named) == 1:
        return _match(rule, ((Part(named[0], amount),), ()), named)
    return _doubt("amount_differs", amount, named, book, named[0].customer_id)


def _of_customer(amount: Money, customer_id: int, on: date, book: Book, *, sure: bool) -> Match | Doubt:
    """The payer is known: one document, all of them, or the only sum of some that makes the amount."""
    own = sorted(
        (claim for claim in book.claims if claim.customer_id == customer_id), key=lambda c: (c.due_date, c.number)
    )
    for rule, wanted in _explanations(amount, own, book, on):
        if len(wanted) > 1:
            return _doubt("several_sums", amount, own, book, customer_id)
        if wanted:
            found = _explained(amount, wanted[0], book, on)
            if found is not None:
                return _match(rule, found, wanted[0])
    due = total(claim.due for claim in own)
    if sure and amount >= due:  # everything he owes is paid; what is left is his
        return Match(customer_id, "everything", tuple(Part(claim, claim.due) for claim in own), (), amount - due)
    return _doubt("amount_differs", amount, own, book, customer_id)


def _explanations(
    amount: Money, own: list[Claim], book: Book, on: date
) -> Iterator[tuple[str, list[list[Claim]]]]:  # fmt: skip
    """From the simplest to the most involved: each rule with the sets of documents that it would settle."""
    yield "amount", [[claim] for claim in own if claim.due == amount]
    yield "discount", [[claim] for claim in own if claim.earned(on) and claim.due - claim.earned(on) == amount]
    if own and total(claim.due for claim in own) == amount:
        yield "sum", [own]
    yield "sum", _sums(amount, own, lambda claim: claim.due)
    if any(claim.earned(on) for claim in own):
        yield "discount", _sums(amount, own, lambda claim: claim.due - claim.earned(on))
    mine = [credit for credit in book.credits if own and credit.customer_id == own[0].customer_id]
    whole = total(credit.amount for credit in mine)
    for taken in dict.fromkeys([whole, *(credit.amount for credit in mine)]):
        if taken:
            singles = [[claim] for claim in own if claim.due == amount + taken]
            yield "credit", singles or _sums(amount + taken, own, lambda claim: claim.due)


def _explained(amount: Money, claims: Sequence[Claim], book: Book, on: date) -> Found | None:
    """How the amount settles all of these documents to the cent; None when it does not."""
    due = total(claim.due for claim in claims)
    if amount == due:
        return tuple(Part(claim, claim.due) for claim in claims), ()
    earned = total(claim.earned(on) for claim in claims)
    if earned and amount == due - earned:
        return tuple(Part(c, c.due - c.earned(on), c.earned(on)) for c in claims), ()
    mine = [credit for credit in book.credits if credit.customer_id == claims[0].customer_id]
    whole = total(credit.amount for credit in mine)
    if whole and amount + whole == due:
        return _with_credits(amount, claims, mine)
    single = [credit for credit in mine if amount + credit.amount == due]
    return _with_credits(amount, claims, single[:1]) if len(single) == 1 else None


def _with_credits(amount: Money, claims: Sequence[Claim], credits_used: Sequence[Credit]) -> Found:
    """The credits settle the oldest documents, the money what is left of them."""
    parts: list[Part] = []
    uses: list[Use] = []
    left = {credit: credit.amount for credit in credits_used}
    for claim in sorted(claims, key=lambda c: (c.due_date, c.number)):
        due = claim.due
        for credit in credits_used:
            part = min(left[credit], due)
            if part > ZERO:
                uses.append(Use(credit, claim, part))
                left[credit] -= part
                due -= part
        paid = min(due, amount)
        if paid > ZERO:
            parts.append(Part(claim, paid))
            amount -= paid
    return tuple(parts), tuple(uses)


def _sums(amount: Money, claims: list[Claim], value: Callable[[Claim], Money]) -> list[list[Claim]]:
    """The sets of two documents or more that make the amount: at most two, for two are already one too many."""
    if not 2 <= len(claims) <= MOST_DOCUMENTS:
        return []
    ordered = sorted(claims, key=lambda claim: (-value(claim).cents, claim.number))
    cents = [value(claim).cents for claim in ordered]
    rest = [sum(cents[start:]) for start in range(len(cents) + 1)]
    found: list[list[Claim]] = []
    steps = 0

    def search(start: int, wanted: int, taken: list[Claim]) -> None:
        nonlocal steps
        steps += 1
        if wanted == 0:
            if len(taken) > 1:
                found.append(taken)
            return
        for index in range(start, len(cents)):
            if len(found) > 1 or steps > MOST_STEPS or rest[index] < wanted:
                return
            if 0 < cents[index] <= wanted:
                search(index + 1, wanted - cents[index], [*taken, ordered[index]])

    search(0, amount.cents, [])
    return [] if steps > MOST_STEPS else found


def _doubt(reason: str, amount: Money, first: Iterable[Claim], book: Book, customer_id: int | None) -> Doubt:
    """The question, with the documents that come nearest: of that amount, then those that the signs point to."""
    exact = [claim for claim in book.claims if claim.due == amount and customer_id in {None, claim.customer_id}]
    own = [claim for claim in book.claims if claim.customer_id == customer_id]
    listed = dict.fromkeys([*first, *exact, *own])
    ranked = sorted(listed, key=lambda c: (c.due != amount, c.due_date, c.number))
    return Doubt(reason, tuple(ranked[:CANDIDATES]), customer_id)


def _one_customer(claims: Sequence[Claim]) -> bool:
    return len({claim.customer_id for claim in claims}) == 1


def _said(movement: Movement) -> list[str]:
    return [movement.end_to_end.upper(), movement.creditor_reference.upper(), movement.text.upper()]


def _is_reference(movement: Movement, named: list[Claim]) -> bool:
    exact = {bare(movement.end_to_end), bare(movement.creditor_reference)[4:]}
    return any(bare(claim.number) in exact for claim in named)


def _named(movement: Movement, claims: Sequence[Claim]) -> list[Claim]:
    """The documents that the movement names: by number, by RF reference (ISO 11649), by their order's number."""
    said = _said(movement)
    found = [claim for claim in claims if _telling(claim.number) and _written(claim.number, said)]
    exact = {bare(movement.creditor_reference)[4:]} - {""}
    found = found or [claim for claim in claims if bare(claim.number) in exact]
    return found or [
        claim for claim in claims
        if any(_telling(one) and _written(one, said) for one in claim.references)
    ]  # fmt: skip


def _short(movement: Movement, claims: Sequence[Claim]) -> list[Claim]:
    """The documents of which the text has the last figures alone (« 0951 »), or a number too short to be sure."""
    said = _said(movement)
    found = []
    for claim in claims:
        if not _telling(claim.number) and _written(claim.number, said):
            found.append(claim)
            continue
        tail = re.search(r"\d+$", claim.number)
        words = [tail[0]] if tail is not None and len(tail[0]) >= 3 and tail[0] != bare(claim.number) else []
        words += [one for one in claim.references if one and not _telling(one) and len(bare(one)) >= 3]
        if any(re.search(rf"(?<!\d){re.escape(word.upper())}(?![\d,.])", text) for word in words for text in said):
            found.append(claim)
    return found


def _written(number: str, said: Iterable[str]) -> bool:
    return any(_spelt(number).search(text) for text in said)


def _telling(reference: str) -> bool:
    """Whether a reference is long enough to be no accident in a text."""
    compact = bare(reference)
    return len(compact) >= 5 and any(c.isdigit() for c in compact)


@lru_cache(maxsize=20_000)
def _spelt(number: str) -> re.Pattern[str]:
    """The number as people and banks write it: blanks, dashes and dots between its groups, or lost."""
    groups = re.findall(r"[A-Z]+|\d+", number.upper())
    return re.compile(r"(?<![A-Z0-9])" + _SEPARATORS.join(groups) + r"(?!\d)" if groups else r"(?!)")


def folded(name: str) -> str:
    """A firm's name without accents, punctuation and legal form: how banks and books agree on it."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.upper()) if not unicodedata.combining(c))
    return " ".join(word for word in re.findall(r"[A-Z0-9]+", plain) if word not in _FORMS)


def _by_account(movement: Movement, book: Book) -> int | None:
    """The one customer who is known to pay from this account."""
    known = book.accounts.get(movement.payer_iban, ())
    return next(iter(known)) if len(known) == 1 else None


def _by_name(movement: Movement, book: Book) -> int | None:
    """The one customer whose name is the payer's."""
    wanted = folded(movement.payer_name)
    found = [customer_id for customer_id, name in book.names.items() if wanted and folded(name) == wanted]
    return found[0] if len(found) == 1 else None
