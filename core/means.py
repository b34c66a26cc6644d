"""How customers pay: the UNTDID 4461 codes that invoices name and payments are recorded with."""

from __future__ import annotations

from enum import StrEnum


class PaymentMeans(StrEnum):
    """UNTDID 4461 codes (annexe 7)."""

    TRANSFER = "58"
    DIRECT_DEBIT = "59"
    CHEQUE = "20"
    CARD = "48"
    CASH = "10"
