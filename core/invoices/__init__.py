"""Invoices, deposit invoices and credit notes: they exist only once issued, and never change.

A preview is a pure computation (`document_for_delivery` without a number). Issuing takes the number, writes the row,
its lines, the frozen paper, the journal line and the outbox rows in one transaction. There is no delete: a credit note.
"""

from core.invoices.credit_notes import issue_credit_note
from core.invoices.deposits import credit_deposits, issue_deposit, uncredited_deposits
from core.invoices.drafting import document_for_delivery, issue_for_delivery
from core.invoices.tables import (
    SERIES,
    DepositDeduction,
    Invoice,
    InvoiceLine,
    by_number,
    credited_quantity,
    deducted,
    deposits_of,
    of_order,
)

__all__ = [
    "SERIES",
    "DepositDeduction",
    "Invoice",
    "InvoiceLine",
    "by_number",
    "credit_deposits",
    "credited_quantity",
    "deducted",
    "deposits_of",
    "document_for_delivery",
    "issue_credit_note",
    "issue_deposit",
    "issue_for_delivery",
    "of_order",
    "uncredited_deposits",
]
