"""Each check on plain facts: its finding, and the clean twin."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import checks, remedies
from core.checks import CHECKS, Finding, Service, Severity
from core.facts import Exposure, Facts, LineFacts
from core.money import ZERO, Money
from core.orders import PriceChoice
from core.parties import Requirement, Role
from core.payments import Receivable

TODAY = date(2026, 3, 10)
LINE = LineFacts(
    position=1, sku="DRA-140", text="draps", quantity=Decimal(10), unit_price=Decimal(100), customer_price=None,
    price_choice=None, confidence=Decimal(1), available=Decimal(10),
)  # fmt: skip
NOTHING = Exposure(ZERO, ZERO, ZERO, ZERO, ZERO)
CLEAN = Facts(
    today=TODAY, order_gross=Money.of(1200), lines=(LINE,), customer_active=True, customer_on_hold=False,
    credit_limit=Money.of(1200), exposure=replace(NOTHING, this_order=Money.of(1200)), overdue=(),
    recap_policy=Requirement.REQUIRED, recap_accepted=True, accord=False, sender_authenticated=True, customer_clue="",
    deposit_percent=None, deposit_due=ZERO, deposit_invoiced=ZERO, deposit_paid=ZERO, customer_total=Money.of(1000),
    order_net=Money.of(1000), same_reference=(), quote_reference="DV-2026-0001", quote_expired=False,
    price_tolerance_percent=Decimal(1), overridden=frozenset(),
)  # fmt: skip
LATE = Receivable("FA-1", TODAY, TODAY - timedelta(days=9), Money.of(50), Money.of(40))
DEPOSIT = {"deposit_percent": Decimal(30), "deposit_due": Money.of(360)}
OVER = replace(NOTHING, unpaid=Money.of("0.01"), this_order=Money.of(1200))


def line(**change: Any) -> dict[str, Any]:
    return {"lines": (replace(LINE, **change),)}


TABLE: list[tuple[str, Severity, dict[str, Any], dict[str, Any]]] = [
    ("customer_to_confirm", Severity.BLOCK, {"customer_clue": "name"}, {}),
    ("customer_closed", Severity.BLOCK, {"customer_active": False}, {}),
    ("customer_on_hold", Severity.BLOCK, {"customer_on_hold": True}, {}),
    ("limit_missing", Severity.NOTE, {"credit_limit": None}, {}),
    ("over_limit", Severity.BLOCK, {"exposure": OVER}, {"exposure": replace(OVER, credits=Money.of("0.01"))}),
    ("overdue", Severity.BLOCK, {"overdue": (LATE,)}, {}),
    ("no_lines", Severity.BLOCK, {"lines": ()}, {}),
    ("article_unknown", Severity.BLOCK, line(sku=None), {}),
    ("quantity_unknown", Severity.BLOCK, line(quantity=None), {}),
    ("quantity_unknown", Severity.BLOCK, line(quantity=Decimal(0)), {}),
    ("article_doubtful", Severity.BLOCK, line(confidence=Decimal("0.89")), line(confidence=Decimal("0.9"))),
    ("price_differs", Severity.BLOCK, line(customer_price=Decimal("98.99")), line(customer_price=Decimal(99))),
    (
        "price_differs",
        Severity.BLOCK,
        line(customer_price=Decimal("101.01")),
        line(customer_price=Decimal(90), price_choice=PriceChoice.OURS),
    ),
    (
        "price_accepted",
        Severity.NOTE,
        line(customer_price=Decimal(90), price_choice=PriceChoice.THEIRS),
        line(customer_price=Decimal(90), price_choice=PriceChoice.OURS),
    ),
    ("stock_short", Severity.WATCH, line(available=Decimal(9)), line(available=Decimal(10))),
    ("recap_not_accepted", Severity.BLOCK, {"recap_accepted": False}, {"recap_accepted": False, "accord": True}),
    (
        "recap_not_accepted",
        Severity.NOTE,
        {"recap_accepted": False, "recap_policy": Requirement.NOTED},
        {"recap_accepted": False, "recap_policy": Requirement.IGNORED},
    ),
    ("sender_not_authenticated", Severity.WATCH, {"sender_authenticated": False}, {}),
    ("deposit_due", Severity.BLOCK, DEPOSIT, {**DEPOSIT, "deposit_paid": Money.of(360)}),
    (
        "deposit_unpaid",
        Severity.BLOCK,
        {**DEPOSIT, "deposit_invoiced": Money.of(360), "deposit_paid": Money.of("359.99")},
        {**DEPOSIT, "deposit_invoiced": Money.of(360), "deposit_paid": Money.of(360)},
    ),
    ("deposit_paid", Severity.NOTE, {**DEPOSIT, "deposit_paid": Money.of(360)}, DEPOSIT),
    ("total_differs", Severity.NOTE, {"customer_total": Money.of("1000.01")}, {"customer_total": None}),
    ("possible_duplicate", Severity.WATCH, {"same_reference": ("CMD-1",)}, {}),
    ("quote_expired", Severity.WATCH, {"quote_expired": True}, {}),
]


def found(change: dict[str, Any]) -> dict[str, Finding]:
    return {finding.code: finding for finding in checks.examine(replace(CLEAN, **change))}


def test_clean_facts_give_no_finding() -> None:
    assert checks.examine(CLEAN) == ()


@pytest.mark.parametrize(("code", "severity", "wrong", "clean"), TABLE)
def test_a_check_finds_what_is_wrong_and_nothing_in_its_clean_twin(
    code: str, severity: Severity, wrong: dict[str, Any], clean: dict[str, Any]
) -> None:
    assert found(wrong)[code].severity is severity
    assert code not in found(clean)


def test_every_check_is_in_the_table() -> None:
    tried = set()
    for check in CHECKS:
        for _, _, wrong, _ in TABLE:
            if list(check(replace(CLEAN, **wrong))):
                tried.add(check)
    assert tried == set(CHECKS)


def test_two_lines_of_one_article_share_its_stock() -> None:
    lines = (replace(LINE, quantity=Decimal(7)), replace(LINE, position=2, quantity=Decimal(7)))
    short = found({"lines": lines})["stock_short"]
    assert (short.position, short.data["backorder"]) == (2, Decimal(4))


def test_the_numbers_of_an_excess_are_told() -> None:
    over = found({"exposure": replace(OVER, unpaid=Money.of(300))})["over_limit"]
    assert over.data == {"exposure": Money.of(1500), "limit": Money.of(1200), "excess": Money.of(300)}


def test_blockers_come_first_and_a_finding_let_through_stays_marked() -> None:
    change = {"sender_authenticated": False, "overdue": (LATE,), "credit_limit": None}
    findings = checks.examine(replace(CLEAN, **change))
    assert [f.code for f in findings] == ["overdue", "sender_not_authenticated", "limit_missing"]
    assert checks.verdict(findings, Service.ACCOUNTING) is Severity.BLOCK
    assert checks.verdict(findings, Service.COMMERCIAL) is Severity.WATCH
    through = checks.examine(replace(CLEAN, **change, overridden=frozenset({"overdue"})))
    assert (through[0].overridden, through[0].blocks) == (True, False)
    assert checks.verdict(through, Service.ACCOUNTING) is Severity.WATCH
    assert checks.verdict((), Service.ACCOUNTING) is Severity.NOTE


def test_an_override_does_not_reach_a_finding_without_a_role() -> None:
    findings = found({**line(sku=None), "overridden": frozenset({"article_unknown"})})
    assert findings["article_unknown"].blocks


@pytest.mark.parametrize("code", [code for code, severity, _, _ in TABLE if severity is Severity.BLOCK])
def test_a_blocker_can_be_settled_by_a_button_or_by_what_it_waits_for(code: str) -> None:
    wrong = next(w for c, s, w, _ in TABLE if c == code and s is Severity.BLOCK)
    offered = remedies.propose(found(wrong)[code], alternatives=("DRA-160",))
    assert bool(offered) is (code not in {"no_lines", "deposit_unpaid"})
    if found(wrong)[code].override and offered and code != "deposit_due":
        assert Role.ACCOUNTING in {remedy.role for remedy in offered}


def test_a_doubtful_article_is_offered_first_and_once() -> None:
    finding = found(line(confidence=Decimal("0.5")))["article_doubtful"]
    offered = remedies.propose(finding, alternatives=("DRA-160", "DRA-140", "A", "B", "C"))
    assert [r.args["sku"] for r in offered if r.action == "choose_article"] == ["DRA-140", "DRA-160", "A", "B"]
    assert [r.action for r in offered[-2:]] == ["search_article", "remove_line"]
