"""Payment terms: from the words on a customer's record to a due date.

Nothing agreed means 30 days from the receipt of the goods (C. com. L441-10 I). "45 jours fin de mois" has two lawful
computations; we count 45 days, then go to the end of that month, unless the words say "fin de mois + 45".
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from core.errors import Refused


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """Days from the invoice date, to the end of the month or not, the month's end before or after the days."""

    days: int
    end_of_month: bool = False
    month_end_first: bool = False

    def due_date(self, issued: date) -> date:
        """The day on which an invoice of that date must be paid."""
        if self.month_end_first:
            return _month_end(issued) + timedelta(days=self.days)
        due = issued + timedelta(days=self.days)
        return _month_end(due) if self.end_of_month else due


DEFAULT = PaymentTerms(30)
_WORDS = re.compile(r"(?P<days>\d{1,3})\s*(?:j|jours?|days?)?", re.IGNORECASE)
_MONTH_END = re.compile(r"fin\s+de\s+mois|\bfdm\b|end\s+of\s+month|\beom\b", re.IGNORECASE)
_CASH = re.compile(r"comptant|r[eé]ception|cash", re.IGNORECASE)


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def parse(words: str) -> PaymentTerms:
    """The terms a customer record states; an empty text means the legal default, nonsense is refused."""
    if not words.strip():
        return DEFAULT
    if _CASH.search(words) and not _MONTH_END.search(words):
        days = _WORDS.search(words)
        return PaymentTerms(int(days["days"]) if days else 0)
    month_end, days = _MONTH_END.search(words), _WORDS.search(words)
    if days is None and month_end is None:
        raise Refused("payment_terms_unknown", terms=words)
    if days is None:
        return PaymentTerms(0, end_of_month=True)
    first = month_end is not None and month_end.start() < days.start()
    return PaymentTerms(int(days["days"]), end_of_month=month_end is not None and not first, month_end_first=first)
