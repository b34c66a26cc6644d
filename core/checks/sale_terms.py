"""Commercial: our terms of sale are up to date with this customer, and his own do not contradict them unsettled."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Service, Severity, commercial
from core.clauses import ClauseChoice, ClauseKind
from core.facts import Facts
from core.parties import Requirement, Role

#: The code of a gap by its clause: each has its own sentence, and may be let through alone.
GAPS: dict[ClauseKind, str] = {
    ClauseKind.PAYMENT: "clause_payment",
    ClauseKind.PENALTIES: "clause_penalties",
    ClauseKind.RETENTION: "clause_retention",
    ClauseKind.DELIVERY: "clause_delivery",
    ClauseKind.DELAY: "clause_delay",
    ClauseKind.LIABILITY: "clause_liability",
    ClauseKind.DEPOSIT: "clause_deposit",
    ClauseKind.PURCHASE_TERMS: "purchase_terms_claimed",
}
assert set(GAPS) == set(ClauseKind)  # noqa: S101 - the table is complete


def terms_are_known(facts: Facts) -> Iterator[Finding]:
    """A version is in force, and its main clauses were entered."""
    if facts.sale_terms.requirement is Requirement.IGNORED:
        return
    if facts.sale_terms.current is None:
        yield commercial("sale_terms_missing", Severity.NOTE)
    elif facts.sale_terms.unstated:
        yield commercial(
            "sale_terms_unstated", Severity.NOTE, version=facts.sale_terms.current,
            clauses=tuple(kind.value for kind in facts.sale_terms.unstated),
        )  # fmt: skip


def terms_are_accepted(facts: Facts) -> Iterator[Finding]:
    """The customer accepted the version in force."""
    known = facts.sale_terms
    if known.requirement is Requirement.IGNORED or known.current is None or known.accepted == known.current:
        return
    severity = Severity.BLOCK if known.requirement is Requirement.REQUIRED else Severity.NOTE
    override = Role.MANAGER if severity is Severity.BLOCK else None
    if known.accepted is None:
        yield commercial("sale_terms_never_accepted", severity, override=override, version=known.current)
    else:
        yield commercial(
            "sale_terms_outdated", severity, override=override, version=known.current, accepted=known.accepted
        )


def purchase_terms_do_not_conflict(facts: Facts) -> Iterator[Finding]:
    """Every clause of the customer's purchase order that costs us something was decided; one of no harm is told."""
    for gap in facts.sale_terms.gaps:
        if gap.settled is ClauseChoice.OURS:
            continue
        said: dict[str, object] = {
            "clause": gap.kind.value, "theirs": gap.theirs, "words": gap.words, "ours": gap.ours or "",
        }  # fmt: skip
        if gap.settled is ClauseChoice.THEIRS:
            yield _about_clause("clause_accepted", Severity.NOTE, said)
        elif gap.ours is None:
            yield _about_clause("clause_unanswered", Severity.WATCH, said)
        elif gap.worse:
            yield _about_clause(GAPS[gap.kind], Severity.BLOCK, said)
        else:
            yield _about_clause("clause_harmless", Severity.NOTE, said)


def _about_clause(code: str, severity: Severity, said: dict[str, object]) -> Finding:
    override = Role.MANAGER if severity is Severity.BLOCK else None
    return Finding(code, Service.COMMERCIAL, severity, data=said, override=override)
