"""The rows of the checks of the quote."""

from __future__ import annotations

from core.checks import Severity
from tests.core.checks.clean import Row

TABLE: list[Row] = [
    ("quote_expired", Severity.WATCH, {"quote.expired": True}, {"quote": None}),
]
