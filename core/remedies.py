"""What can be done about a finding: each remedy is an action a button may carry, with the role that may press it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from core.checks import Finding
from core.checks.sale_terms import GAPS
from core.parties import Role


@dataclass(frozen=True, slots=True)
class Remedy:
    """An action, its arguments, and who may take it."""

    action: str
    role: Role = Role.SALES
    args: dict[str, Any] = field(default_factory=dict)


DELIVERY_DAYS = (
    "delivery_date_missing", "delivery_date_past", "delivery_on_holiday", "delivery_day_closed",
    "delivery_after_cutoff", "delivery_too_soon",
)  # fmt: skip


def propose(finding: Finding, *, alternatives: tuple[str, ...] = ()) -> tuple[Remedy, ...]:
    """The remedies of a finding, the usual one first; empty when there is nothing to decide.

    `alternatives` are the articles the line may mean, best first.
    """
    line = {"position": finding.position}
    own = [str(finding.data["sku"])] if finding.code == "article_doubtful" else []
    skus = list(dict.fromkeys([*own, *alternatives]))[:4]
    choices = tuple(Remedy("choose_article", args=line | {"sku": sku}) for sku in skus)
    which = (*choices, Remedy("search_article", args=line), Remedy("remove_line", args=line))
    ours, theirs = (Remedy("settle_price", args=line | {"choice": choice}) for choice in ("ours", "theirs"))
    below = (ours, Remedy("accept_price", args=line))  # only a manager may: he is asked
    priced = (*((theirs,) if finding.data.get("theirs") else ()), Remedy("ask_price", args=line))
    let_through = (
        Remedy("request_override"),
        Remedy("grant_override", role=finding.override, args={"finding": finding.key}),
    ) if finding.override is not None else ()  # fmt: skip
    other = {"other": finding.data.get("other")}
    twin: tuple[Remedy, ...] = (Remedy("duplicate_drop", args=other), Remedy("duplicate_keep", args=other))
    if finding.data.get("other_state") in {"draft", "confirmed"}:
        twin = (*twin, Remedy("duplicate_correct", args=other))
    twin = (*twin, Remedy("show_twin", args=other))
    clause = {"clause": finding.data.get("clause", "")}
    which_clause = (
        Remedy("keep_clause", args=clause),
        Remedy("accept_clause", role=Role.MANAGER, args=clause),
    )

    def ask(about: str) -> Remedy:
        return Remedy("ask_customer", args={"about": about})

    known: dict[str, tuple[Remedy, ...]] = {
        # duplicates
        "possible_duplicate": twin,
        "duplicate_number": twin,
        "duplicate_files": twin,
        "duplicate_lines": twin,
        # lines
        "no_lines": (Remedy("cancel_draft"),),
        "article_unknown": which,
        "article_doubtful": which,
        # stock and delivery days
        "stock_short": _shortage(finding),
        "below_minimum_quantity": (Remedy("round_quantity", args=line),),
        "not_a_multiple": (Remedy("round_quantity", args=line),),
        **dict.fromkeys(DELIVERY_DAYS, _delivery_day(finding)),
        "quantity_unknown": (Remedy("ask_quantity", args=line), Remedy("remove_line", args=line)),
        # account
        **dict.fromkeys(("over_limit", "overdue", "reminder_reached"), (Remedy("request_payment"),)),
        # prices
        "price_differs": below if finding.override is not None else (ours, theirs),
        "price_missing": (*priced, Remedy("remove_line", args=line)),
        # deposit
        "deposit_due": (Remedy("request_deposit"),),
        "deposit_below_rules": let_through,
        # conformity
        "order_number_missing": (
            Remedy("ask_number"),
            ask("number"),
        ),
        "order_date_missing": (
            Remedy("ask_date"),
            ask("date"),
        ),
        "order_date_ahead": (Remedy("ask_date"),),
        "buyer_unknown": (
            Remedy("who_ordered"),
            ask("buyer"),
        ),
        "buyer_over_limit": (ask("authority"),),
        "delivery_address_unknown": (
            Remedy("which_address"),
            ask("address"),
        ),
        "delivery_address_open": (
            Remedy("which_address"),
            ask("address"),
        ),
        "billing_address_incomplete": (ask("billing"),),
        "identifiers_missing": (ask("identifiers"),),
        "electronic_address_missing": (ask("electronic"),),
        "vat_number_missing": (ask("identifiers"),),
        "quote_unknown": (ask("quote"),),
        "total_differs": (ask("totals"),),
        "vat_differs": (ask("totals"),),
        "order_does_not_add_up": (ask("totals"),),
        # terms of sale and of purchase
        "sale_terms_never_accepted": (Remedy("send_terms"), Remedy("note_acceptance")),
        "sale_terms_outdated": (Remedy("send_terms"), Remedy("note_acceptance")),
        **dict.fromkeys((*GAPS.values(), "clause_unanswered"), which_clause),
        "recap_not_accepted": (Remedy("send_recap"),),
        "customer_to_confirm": (Remedy("confirm_customer"), Remedy("search_customer")),
        "sender_not_authenticated": (Remedy("vouch_sender"), Remedy("disown_sender"), Remedy("search_customer")),
    }
    return (*known.get(finding.code, ()), *let_through)


def _shortage(finding: Finding) -> tuple[Remedy, ...]:
    """What is there now, all of it later, another article, less: as far as each is possible."""
    data, line = finding.data, {"position": finding.position}
    day, cap, others = data.get("day"), data.get("cap"), data.get("alternatives")
    found = [Remedy("keep_backorder", args=line)] if data.get("partial") else []
    found += [Remedy("wait_until", args=line | {"day": day.isoformat()})] if isinstance(day, date) else []
    if isinstance(others, tuple):
        found += [Remedy("choose_substitute", args=line | {"other": sku}) for sku in others[:3]]
    found += [Remedy("cap_line", args=line | {"quantity": str(cap)})] if isinstance(cap, Decimal) and cap else []
    if not data.get("partial") and data.get(
        "now"
    ):  # only he may want it in two parts; the manager then lets it through
        found.append(Remedy("ask_customer", args={"about": "partial"}))
    return (*found, Remedy("remove_line", args=line))


def _delivery_day(finding: Finding) -> tuple[Remedy, ...]:
    day = finding.data.get("day")
    return (Remedy("deliver_on", args={"day": day.isoformat()}),) if isinstance(day, date) else ()
