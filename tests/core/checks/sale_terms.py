"""The rows of the checks of the terms of sale, and of the purchase terms against them."""

from __future__ import annotations

from typing import Any

from core.checks import Severity
from core.checks.sale_terms import GAPS
from core.clauses import ClauseChoice, ClauseKind
from core.facts.sale_terms import GapFacts
from core.parties import Requirement
from tests.core.checks.clean import Change, Row


def gap(kind: ClauseKind = ClauseKind.PAYMENT, **change: Any) -> Change:
    given: dict[str, Any] = {"ours": "30", "theirs": "60", "words": "paiement \u00e0 60 jours", "worse": True} | change
    return {"sale_terms.gaps": (GapFacts(kind, **given),)}


IGNORED: Change = {"sale_terms.requirement": Requirement.IGNORED}
NOTED: Change = {"sale_terms.requirement": Requirement.NOTED}
NEVER: Change = {"sale_terms.accepted": None}
OLD: Change = {"sale_terms.accepted": "2025-01"}
NONE: Change = {"sale_terms.current": None}
OURS = gap(settled=ClauseChoice.OURS)

TABLE: list[Row] = [
    ("sale_terms_missing", Severity.NOTE, NONE, {**NONE, **IGNORED}),
    ("sale_terms_unstated", Severity.NOTE, {"sale_terms.unstated": (ClauseKind.DELIVERY,)}, {}),
    ("sale_terms_never_accepted", Severity.BLOCK, NEVER, {}),
    ("sale_terms_never_accepted", Severity.NOTE, {**NEVER, **NOTED}, {**NEVER, **IGNORED}),
    ("sale_terms_outdated", Severity.BLOCK, OLD, {**OLD, **IGNORED}),
    ("sale_terms_outdated", Severity.NOTE, {**OLD, **NOTED}, {**OLD, "sale_terms.current": "2025-01"}),
    *((code, Severity.BLOCK, gap(kind), gap(kind, settled=ClauseChoice.OURS)) for kind, code in GAPS.items()),
    ("clause_unanswered", Severity.WATCH, gap(ours=None, worse=False), OURS),
    ("clause_harmless", Severity.NOTE, gap(worse=False), OURS),
    ("clause_accepted", Severity.NOTE, gap(settled=ClauseChoice.THEIRS), OURS),
]
