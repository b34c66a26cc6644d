"""Bank statements: read, kept, matched with what customers owe, and booked or asked."""

from __future__ import annotations

from core.bank.tables import BankEntry, BankStatement, CustomerIban, EntryState, ImportedPayment, Layout

__all__ = ["BankEntry", "BankStatement", "CustomerIban", "EntryState", "ImportedPayment", "Layout"]
