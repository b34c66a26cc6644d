"""Every module that owns tables, imported in one place so that `Base.metadata` is complete."""

from __future__ import annotations

from core import (
    catalogue,
    conversations,
    deliveries,
    disputes,
    identifiers,
    invoices,
    jobs,
    journal,
    messages,
    orders,
    outbox,
    overrides,
    papers,
    parties,
    payments,
    prices,
    quotes,
    reminders,
    settings,
    stock,
)

__all__ = [
    "catalogue",
    "conversations",
    "deliveries",
    "disputes",
    "identifiers",
    "invoices",
    "jobs",
    "journal",
    "messages",
    "orders",
    "outbox",
    "overrides",
    "papers",
    "parties",
    "payments",
    "prices",
    "quotes",
    "reminders",
    "settings",
    "stock",
]
