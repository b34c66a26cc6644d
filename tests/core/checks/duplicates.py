"""The rows of the checks of duplicates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.checks import Severity
from core.duplicates import Likeness, Twin
from core.orders import OrderState
from tests.core.checks.clean import Change, Row

TWIN = Twin(
    order_id=7, reference="CMD-1", state=OrderState.CONFIRMED, likeness=Likeness.NUMBER,
    created_at=datetime(2026, 3, 9, tzinfo=UTC), day=None, same_lines=True,
)  # fmt: skip


def twin(**change: object) -> Change:
    return {"duplicates.twins": (replace(TWIN, **change),)}  # type: ignore[arg-type]


TABLE: list[Row] = [
    ("possible_duplicate", Severity.BLOCK, twin(), {}),
    ("duplicate_number", Severity.BLOCK, twin(same_lines=False), twin()),
    ("duplicate_files", Severity.BLOCK, twin(likeness=Likeness.FILES), {}),
    ("duplicate_lines", Severity.BLOCK, twin(likeness=Likeness.LINES), twin(state=OrderState.CANCELLED)),
    ("duplicate_of_cancelled", Severity.NOTE, twin(state=OrderState.CANCELLED), twin()),
]
