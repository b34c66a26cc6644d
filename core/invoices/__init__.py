"""Invoices, deposit invoices and credit notes: they exist only once issued, and never change.

A preview is a pure computation (`preview`, without a number). Issuing takes the number, writes the row, its lines, the
frozen paper, the journal line and the outbox rows in one transaction. There is no delete: a credit note.
"""

from core.invoices.cancelling import cancel_internally, issue_again
from core.invoices.credit_notes import credit_goodwill, credit_price, issue_credit_note
from core.invoices.deposits import (
    RatePart,
    credit_deposit,
    credit_deposits,
    deducted_by_rate,
    issue_deposit,
    still_to_invoice,
    uncredited_deposits,
)
from core.invoices.drafting import alike, document_for_delivery, issue_for, issue_for_delivery, preview
from core.invoices.tables import (
    INTERNAL_SERIES,
    SERIES,
    DepositDeduction,
    DepositDeductionRate,
    Invoice,
    InvoiceDelivery,
    InvoiceLine,
    by_number,
    creditable_quantity,
    credited_quantity,
    deducted,
    deliveries_of,
    deposits_of,
    internal_note,
    invoice_of,
    invoiced,
    left_net,
    line_of,
    missing_numbers,
    of_order,
)

__all__ = [
    "INTERNAL_SERIES",
    "SERIES",
    "DepositDeduction",
    "DepositDeductionRate",
    "Invoice",
    "InvoiceDelivery",
    "InvoiceLine",
    "RatePart",
    "alike",
    "by_number",
    "cancel_internally",
    "credit_deposit",
    "credit_deposits",
    "credit_goodwill",
    "credit_price",
    "creditable_quantity",
    "credited_quantity",
    "deducted",
    "deducted_by_rate",
    "deliveries_of",
    "deposits_of",
    "document_for_delivery",
    "internal_note",
    "invoice_of",
    "invoiced",
    "issue_again",
    "issue_credit_note",
    "issue_deposit",
    "issue_for",
    "issue_for_delivery",
    "left_net",
    "line_of",
    "missing_numbers",
    "of_order",
    "preview",
    "still_to_invoice",
    "uncredited_deposits",
]
