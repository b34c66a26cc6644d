"""Commercial: the order is not one that we already have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.checks.findings import Finding, Severity, commercial
from core.duplicates import Likeness, Twin
from core.facts import Facts
from core.orders import OrderState


def purchase_order_is_new(facts: Facts) -> Iterator[Finding]:
    """No earlier order carries the same number, the same files or the same lines, unless an agent has decided."""
    alive = [twin for twin in facts.duplicates.twins if twin.state is not OrderState.CANCELLED]
    for twin in alive[:1]:  # one at a time: what is decided about the likest often settles the rest
        if twin.likeness is Likeness.NUMBER and twin.same_lines:
            yield _about(twin, commercial("possible_duplicate", Severity.BLOCK))
        elif twin.likeness is Likeness.NUMBER:
            yield _about(twin, commercial("duplicate_number", Severity.BLOCK))
        elif twin.likeness is Likeness.FILES:
            yield _about(twin, commercial("duplicate_files", Severity.BLOCK))
        else:
            yield _about(twin, commercial("duplicate_lines", Severity.BLOCK))
    for twin in facts.duplicates.twins if not alive else ():
        yield _about(twin, commercial("duplicate_of_cancelled", Severity.NOTE))


def _about(twin: Twin, finding: Finding) -> Finding:
    told = {
        "orders": twin.reference, "other": twin.order_id, "on": twin.created_at, "other_state": twin.state.value,
    }  # fmt: skip
    return replace(finding, data=told)
