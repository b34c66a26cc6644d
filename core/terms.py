"""Payment terms: from the words on a customer's record to a due date.

Nothing agreed means 30 days from the receipt of the goods (C. com. L441-10 I). "45 jours fin de mois" has two lawful
computations; we count 45 days, then go to the end of that month, unless the words say "fin de mois + 45".
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from core.errors import Refused

#: The longest terms between firms, in days: net, and to the end of the month (C. com. L441-10 I).
LONGEST, LONGEST_TO_MONTH_END = 60, 45
#: The longest term of an invoice about all deliveries of a month: 60 net and 45 to the month's end are not available.
LONGEST_PERIODIC = 45


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """Days from the invoice date, to the end of the month or not, the month's end before or after the days.

    `from_receipt` counts from the day on which the goods were received, where it is known.
    """

    days: int
    end_of_month: bool = False
    month_end_first: bool = False
    from_receipt: bool = field(default=False, compare=False)

    def due_date(self, issued: date, *, received_on: date | None = None) -> date:
        """The day on which an invoice of that date is to be paid as agreed."""
        counted_from = received_on if self.from_receipt and received_on is not None else issued
        if self.month_end_first:
            return _month_end(counted_from) + timedelta(days=self.days)
        due = counted_from + timedelta(days=self.days)
        return _month_end(due) if self.end_of_month else due

    def lawful_due_date(self, issued: date, *, received_on: date | None = None, periodic: bool = False) -> date:
        """The same, never later than the law allows, a `periodic` invoice having its own maximum, nor before `issued`.

        BR-FR-CO-07 refuses a due date before the invoice's.
        """
        latest = issued + timedelta(days=LONGEST_PERIODIC) if periodic else self._latest(issued)
        return max(min(self.due_date(issued, received_on=received_on), latest), issued)

    @property
    def longest(self) -> int:
        """The days that the law allows at most for terms computed like these."""
        return LONGEST_TO_MONTH_END if self.end_of_month or self.month_end_first else LONGEST

    @property
    def lawful(self) -> bool:
        """They are not above the legal maximum."""
        return self.days <= self.longest

    def _latest(self, issued: date) -> date:
        return replace(self, days=self.longest, from_receipt=False).due_date(issued)


DEFAULT = PaymentTerms(30, from_receipt=True)
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


def lawful(words: str) -> PaymentTerms:
    """The terms that somebody sets; refuses what is above the legal maximum, naming the field (C. com. L441-10 I)."""
    agreed = parse(words)
    if not agreed.lawful:
        raise Refused("payment_terms_above_maximum", field="payment_terms", terms=words, longest=agreed.longest)
    return agreed
