"""The rows of the checks of duplicates."""

from __future__ import annotations

from core.checks import Severity
from tests.core.checks.clean import Row

TABLE: list[Row] = [
    ("possible_duplicate", Severity.WATCH, {"duplicates.same_reference": ("CMD-1",)}, {}),
]
