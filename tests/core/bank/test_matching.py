"""Whose money it is and what it settles: a table of cases, and the arithmetic that holds for every one."""

from __future__ import annotations

import zlib
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bank.matching import Book, Claim, Credit, Doubt, Match, folded, match, of_customer
from core.bank.reading import Movement
from core.money import ZERO, Money, total

DAY = date(2026, 3, 10)
BELLEVUE, MARINE, OTHER = 1, 2, 3
IBAN, SHARED = "FR7610107001011234567890129", "FR7630004000031234567890143"


def claim(number: str, due: str, customer: int = BELLEVUE, *, days: int = 30, **more: Any) -> Claim:
    given = {"discount": ZERO, "references": ()} | more
    until = DAY if given["discount"] else None
    return Claim(
        "invoice", zlib.crc32(number.encode()), number, customer, Money.of(due), DAY + timedelta(days=days),
        given["references"], given["discount"], given.get("until", until),
    )  # fmt: skip


CLAIMS = (
    claim("FA-2026-0951", "1480.00", references=("CMD-2026-0312", "PO-88117")),
    claim("FA-2026-0952", "300.00", days=31, references=("CMD-2026-0313", "4711")),
    claim("FA-2026-0953", "205.50", days=32),
    claim("FA-2026-0960", "640.00", MARINE, references=("CMD-2026-0320",)),
    claim("FA-2026-0961", "640.00", MARINE, days=35),
    claim("FA-2026-0970", "1000.00", OTHER, discount=Money.of(20), references=("BC20260007",)),
    claim("F-77", "88.00", OTHER, days=40),
)
NAMES = {BELLEVUE: "Hôtel Bellevue SAS", MARINE: "La Marine", OTHER: "Boulangerie Martin"}
BOOK = Book(
    CLAIMS, (Credit("FA-2026-0900", BELLEVUE, Money.of(50)),), NAMES,
    {IBAN: {BELLEVUE}, SHARED: {MARINE, OTHER}, "OTHER": {OTHER}, "MARINE": {MARINE}},
)  # fmt: skip

#: what the bank says -> the rule and the parts, or the reason of the doubt and its candidates
CERTAIN: dict[str, tuple[dict[str, Any], str, dict[str, str]]] = {
    "end-to-end is the invoice number": (
        {"amount": "1480", "end_to_end": "FA-2026-0951"}, "reference", {"FA-2026-0951": "1480"},
    ),
    "end-to-end without its dashes": (
        {"amount": "1480", "end_to_end": "FA20260951"}, "reference", {"FA-2026-0951": "1480"},
    ),
    "an RF reference holds the number": (
        {"amount": "1480", "creditor_reference": "RF18FA20260951"}, "reference", {"FA-2026-0951": "1480"},
    ),
    "the number in the text": (
        {"amount": "1480", "text": "REGLEMENT FA-2026-0951 MERCI"}, "number", {"FA-2026-0951": "1480"},
    ),
    "blanks for dashes": ({"amount": "1480", "text": "fact fa 2026 0951"}, "number", {"FA-2026-0951": "1480"}),
    "dashes lost in part": ({"amount": "1480", "text": "FA2026 0951"}, "number", {"FA-2026-0951": "1480"}),
    "the number glued to nothing, the amount after it": (
        {"amount": "1480", "text": "FA20260951 1480,00 EUR"}, "number", {"FA-2026-0951": "1480"},
    ),
    "two numbers and their sum": (
        {"amount": "1780", "text": "FA-2026-0951 + FA-2026-0952"}, "number",
        {"FA-2026-0951": "1480", "FA-2026-0952": "300"},
    ),
    "three numbers less the credit": (
        {"amount": "1935.50", "text": "FA-2026-0951 FA-2026-0952 FA-2026-0953 moins avoir"}, "number",
        {"FA-2026-0951": "1430", "FA-2026-0952": "300", "FA-2026-0953": "205.50"},
    ),
    "a part of what the number owes": (
        {"amount": "500", "text": "acompte FA-2026-0951"}, "number", {"FA-2026-0951": "500"},
    ),
    "more than the number owes": (
        {"amount": "1500", "text": "FA-2026-0951"}, "number", {"FA-2026-0951": "1480", "": "20"},
    ),
    "the order's number": ({"amount": "1480", "text": "CMD 2026 0312"}, "number", {"FA-2026-0951": "1480"}),
    "the customer's own order number": ({"amount": "1480", "text": "PO 88117"}, "number", {"FA-2026-0951": "1480"}),
    "two percent less in time": (
        {"amount": "980", "text": "FA-2026-0970 escompte"}, "number", {"FA-2026-0970": "980", "discount": "20"},
    ),
    "two percent less, too late: a part": (
        {"amount": "980", "text": "FA-2026-0970", "value_on": DAY + timedelta(days=1)}, "number",
        {"FA-2026-0970": "980"},
    ),
    "the bank's fee is the customer's money": (
        {"amount": "1470", "fees": "10", "text": "FA-2026-0951"}, "number", {"FA-2026-0951": "1480"},
    ),
    "somebody else's account, our number": (
        {"amount": "640", "text": "FA-2026-0960", "payer_iban": IBAN}, "number", {"FA-2026-0960": "640"},
    ),
    "the last figures and the amount": (
        {"amount": "1480", "text": "facture 0951"}, "short_number", {"FA-2026-0951": "1480"},
    ),
    "the last figures and the account": (
        {"amount": "300", "text": "0952", "payer_iban": IBAN}, "short_number", {"FA-2026-0952": "300"},
    ),
    "a short order number and the amount": (
        {"amount": "300", "text": "BC 4711"}, "short_number", {"FA-2026-0952": "300"},
    ),
    "a number of the firm's old books": ({"amount": "88", "text": "F 77"}, "short_number", {"F-77": "88"}),
    "the account and the amount": ({"amount": "300", "payer_iban": IBAN}, "amount", {"FA-2026-0952": "300"}),
    "the name and the amount": (
        {"amount": "300", "payer_name": "SAS HOTEL BELLEVUE"}, "amount", {"FA-2026-0952": "300"},
    ),
    "the account and the discounted amount": (
        {"amount": "980", "payer_iban": "OTHER"}, "discount", {"FA-2026-0970": "980", "discount": "20"},
    ),
    "the account and the sum of two": (
        {"amount": "505.50", "payer_iban": IBAN}, "sum", {"FA-2026-0952": "300", "FA-2026-0953": "205.50"},
    ),
    "the account and the sum of all": (
        {"amount": "1985.50", "payer_iban": IBAN}, "sum",
        {"FA-2026-0951": "1480", "FA-2026-0952": "300", "FA-2026-0953": "205.50"},
    ),
    "the account and two less the credit": (
        {"amount": "455.50", "payer_iban": IBAN}, "credit", {"FA-2026-0952": "250", "FA-2026-0953": "205.50"},
    ),
    "the account and more than all: the rest is his": (
        {"amount": "2000", "payer_iban": IBAN}, "everything",
        {"FA-2026-0951": "1480", "FA-2026-0952": "300", "FA-2026-0953": "205.50", "": "14.50"},
    ),
}  # fmt: skip
DOUBTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "nobody knows the payer": ({"amount": "1480", "text": "VIR"}, "payer_unknown", "FA-2026-0951"),
    "an account that two pay from": ({"amount": "1000", "payer_iban": SHARED}, "payer_unknown", "FA-2026-0970"),
    "two documents of that amount": ({"amount": "640", "payer_iban": "MARINE"}, "several_sums", "FA-2026-0960"),
    "numbers of two customers": (
        {"amount": "2120", "text": "FA-2026-0951 FA-2026-0960"}, "several_customers", "FA-2026-0951",
    ),
    "two numbers and no sum": (
        {"amount": "1000", "text": "FA-2026-0951 FA-2026-0952"}, "amount_differs", "FA-2026-0951",
    ),
    "last figures and another amount": ({"amount": "12", "text": "0951"}, "number_unclear", "FA-2026-0951"),
    "a known account and a strange amount": ({"amount": "123", "payer_iban": IBAN}, "amount_differs", "FA-2026-0951"),
    "a name and more than all": ({"amount": "2000", "payer_name": "Hotel Bellevue"}, "amount_differs", "FA-2026-0951"),
    "a longer number is another": (
        {"amount": "1480", "text": "FA-2026-09512"}, "payer_unknown", "FA-2026-0951",
    ),
}  # fmt: skip


def movement(amount: str, fees: str = "0", value_on: date = DAY, **said: Any) -> Movement:
    return Movement(
        line=1, booked_on=value_on, value_on=value_on, amount=Money.of(amount), fees=Money.of(fees), **said
    )  # fmt: skip


@pytest.mark.parametrize("case", CERTAIN)
def test_what_is_certain_settles_what_it_says(case: str) -> None:
    said, rule, expected = CERTAIN[case]
    found = match(movement(**said), BOOK)
    assert isinstance(found, Match), found
    told = {part.claim.number: str(part.pays) for part in found.parts}
    if found.rest:
        told[""] = str(found.rest)
    if any(part.discount for part in found.parts):
        told["discount"] = str(total(part.discount for part in found.parts))
    assert (found.rule, told) == (rule, {name: str(Money.of(amount)) for name, amount in expected.items()})
    holds(found, movement(**said), BOOK)


@pytest.mark.parametrize("case", DOUBTS)
def test_what_is_not_certain_is_a_question_with_candidates(case: str) -> None:
    said, reason, first = DOUBTS[case]
    found = match(movement(**said), BOOK)
    assert isinstance(found, Doubt), found
    assert (found.reason, found.candidates[0].number) == (reason, first)


def test_a_credit_settles_the_oldest_document() -> None:
    found = match(movement("455.50", payer_iban=IBAN), BOOK)
    assert isinstance(found, Match)
    assert [(use.credit.number, use.claim.number, use.amount) for use in found.uses] == [
        ("FA-2026-0900", "FA-2026-0952", Money.of(50))
    ]


def test_money_of_somebody_who_owes_nothing_is_his_credit() -> None:
    found = of_customer(movement("99"), 4, BOOK)
    assert found == Match(4, "everything", (), (), Money.of(99))


def test_names_are_compared_without_their_legal_form() -> None:
    assert folded("SARL Pâtisserie de l'Étoile") == folded("PATISSERIE DE L ETOILE")


def holds(found: Match, moved: Movement, book: Book) -> None:
    """Nothing settles more than there is or than is due."""
    amount = moved.amount + moved.fees
    assert total(part.pays for part in found.parts) + found.rest == amount
    assert found.rest >= ZERO
    for one in book.claims:
        settled = total(p.pays + p.discount for p in found.parts if p.claim == one)
        settled += total(use.amount for use in found.uses if use.claim == one)
        assert settled <= one.due
    for credit in book.credits:
        assert total(use.amount for use in found.uses if use.credit == credit) <= credit.amount
    assert all(part.pays > ZERO for part in found.parts)
    assert {part.claim.customer_id for part in found.parts} <= {found.customer_id}


CENTS = st.integers(1, 4000)


@given(
    dues=st.lists(CENTS, max_size=8), credits_=st.lists(CENTS, max_size=3), amount=st.integers(1, 20_000),
    picked=st.sets(st.integers(0, 7)), named=st.sets(st.integers(0, 7)), early=st.booleans(),
    how=st.sampled_from(["free", "sum", "less_credit", "less_discount"]), account=st.sampled_from(["", IBAN]),
)  # fmt: skip
def test_nothing_ever_settles_more_than_there_is_or_is_due(
    dues: list[int], credits_: list[int], amount: int, picked: set[int], named: set[int], early: bool,
    how: str, account: str,
) -> None:  # fmt: skip
    claims = tuple(
        claim(
            f"FA-2026-{n + 1:04d}", str(Money.from_cents(cents)), days=n,
            discount=Money.of(Money.from_cents(cents).amount / 50) if early else ZERO,
        )
        for n, cents in enumerate(dues)
    )  # fmt: skip
    pots = tuple(Credit(f"FA-2025-{n:04d}", BELLEVUE, Money.from_cents(cents)) for n, cents in enumerate(credits_))
    book = Book(claims, pots, NAMES, {IBAN: {BELLEVUE}})
    chosen = [one for n, one in enumerate(claims) if n in picked]
    wanted = {
        "free": Money.from_cents(amount), "sum": total(c.due for c in chosen),
        "less_credit": total(c.due for c in chosen) - total(p.amount for p in pots),
        "less_discount": total(c.due - c.discount for c in chosen),
    }[how]  # fmt: skip
    if wanted <= ZERO:
        return
    text = " ".join(one.number for n, one in enumerate(claims) if n in named)
    moved = movement(str(wanted), text=text, payer_iban=account)
    for found in (match(moved, book), of_customer(moved, BELLEVUE, book)):
        if isinstance(found, Match):
            holds(found, moved, book)
