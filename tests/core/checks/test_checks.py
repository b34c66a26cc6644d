"""Each check on plain facts: its finding, and the clean twin. The rows stand in a module for each subject."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core import checks, clearances, remedies
from core.checks import CHECKS, Finding, Outcome, Service, Severity
from core.money import Money
from core.parties import Role
from tests.core.checks import (
    account,
    conformity,
    delivery,
    deposit,
    duplicates,
    lines,
    prices,
    quote,
    sale_terms,
    stock,
)
from tests.core.checks.account import LATE, OVER
from tests.core.checks.clean import CLEAN, LINE, Change, Row, changed, line

TABLE: list[Row] = [
    row
    for subject in (account, conformity, delivery, deposit, duplicates, lines, prices, quote, sale_terms, stock)
    for row in subject.TABLE
]


def found(change: Change) -> dict[str, Finding]:
    return {finding.code: finding for finding in checks.examine(changed(change))}


def test_clean_facts_give_no_finding() -> None:
    assert checks.examine(CLEAN) == ()


@pytest.mark.parametrize(("code", "severity", "wrong", "clean"), TABLE)
def test_a_check_finds_what_is_wrong_and_nothing_in_its_clean_twin(
    code: str, severity: Severity, wrong: Change, clean: Change
) -> None:
    assert found(wrong)[code].severity is severity
    assert code not in found(clean)


def test_every_check_is_in_the_table() -> None:
    tried = set()
    for check in CHECKS:
        for _, _, wrong, _ in TABLE:
            if list(check(changed(wrong))):
                tried.add(check)
    assert tried == set(CHECKS)


def test_two_lines_of_one_article_share_its_stock() -> None:
    lines = (replace(LINE, quantity=Decimal(7)), replace(LINE, position=2, quantity=Decimal(7)))
    short = found({"lines": lines})["stock_short"]
    assert (short.position, short.data["backorder"]) == (2, Decimal(4))


def test_the_numbers_of_an_excess_are_told() -> None:
    over = found({"account.exposure": replace(OVER, unpaid=Money.of(300))})["over_limit"]
    assert over.data == {"exposure": Money.of(1500), "limit": Money.of(1200), "excess": Money.of(300)}


def test_blockers_come_first_and_a_finding_let_through_stays_marked() -> None:
    change: Change = {
        "conformity.sender_authenticated": False, "account.overdue": (LATE,), "account.credit_limit": None,
    }  # fmt: skip
    findings = checks.examine(changed(change))
    assert [f.code for f in findings] == ["overdue", "sender_not_authenticated", "limit_missing"]
    assert checks.verdict(findings, Service.ACCOUNTING) is Outcome.BLOCK
    assert checks.verdict(findings, Service.COMMERCIAL) is Outcome.WATCH
    through = checks.examine(changed({**change, "overridden": frozenset({"overdue"})}))
    assert (through[0].overridden, through[0].blocks) == (True, False)
    assert checks.verdict(through, Service.ACCOUNTING) is Outcome.WATCH
    assert checks.verdict((), Service.ACCOUNTING) is Outcome.DELIVER


def test_an_override_does_not_reach_a_finding_without_a_role() -> None:
    findings = found({**line(sku=None), "overridden": frozenset({"article_unknown"})})
    assert findings["article_unknown"].blocks


@pytest.mark.parametrize("code", [code for code, severity, _, _ in TABLE if severity is Severity.BLOCK])
def test_a_blocker_is_settled_by_a_button_or_let_through_by_the_role_it_names(code: str) -> None:
    wrong = next(w for c, s, w, _ in TABLE if c == code and s is Severity.BLOCK)
    offered = remedies.propose(found(wrong)[code], alternatives=("DRA-160",))
    assert offered
    letting = {remedy.role for remedy in offered if remedy.action == "grant_override"}
    assert letting == ({found(wrong)[code].override} if found(wrong)[code].override is not None else set())
    assert letting <= {Role.ACCOUNTING, Role.MANAGER}


@pytest.mark.parametrize("code", sorted({code for code, severity, _, _ in TABLE if severity is Severity.BLOCK}))
def test_no_role_is_asked_about_another_ones_finding(code: str) -> None:
    for wrong in (w for c, s, w, _ in TABLE if c == code and s is Severity.BLOCK):
        asked = clearances.waiting(checks.examine(changed(wrong)))
        assert all(finding.override is role for role, own in asked.items() for finding in own)
        for finding in (f for f in checks.examine(changed(wrong)) if f.code == code):
            through = checks.examine(changed({**wrong, "overridden": frozenset({finding.key})}))
            same = next(f for f in through if f.key == finding.key)
            assert same.blocks is (finding.override is None)
            assert not any(f.overridden for f in through if f.key != finding.key)


def test_a_doubtful_article_is_offered_first_and_once() -> None:
    finding = found(line(confidence=Decimal("0.5")))["article_doubtful"]
    offered = remedies.propose(finding, alternatives=("DRA-160", "DRA-140", "A", "B", "C"))
    assert [r.args["sku"] for r in offered if r.action == "choose_article"] == ["DRA-140", "DRA-160", "A", "B"]
    assert [r.action for r in offered[-2:]] == ["search_article", "remove_line"]
