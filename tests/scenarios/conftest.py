"""The scenarios tell their stories with the trade's own furnished database."""

from __future__ import annotations

from tests.core.conftest import furnished, house, trade

__all__ = ["furnished", "house", "trade"]
