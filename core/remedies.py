"""What can be done about a finding: each remedy is an action a button may carry, with the role that may press it."""

from __future__ import annotations

from dataclasses import dataclass, field
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


def propose(finding: Finding, *, alternatives: tuple[str, ...] = ()) -> tuple[Remedy, ...]:
    """The remedies of a finding, the usual one first; empty when there is nothing to decide.

    `alternatives` are the articles the line may mean, best first.
    """
    line = {"position": finding.position}
    own = [str(finding.data["sku"])] if finding.code == "article_doubtful" else []
    skus = list(dict.fromkeys([*own, *alternatives]))[:4]
    choices = tuple(Remedy("choose_article", args=line | {"sku": sku}) for sku in skus)
    which = (*choices, Remedy("search_article", args=line), Remedy("remove_line", args=line))
    settle = tuple(Remedy("settle_price", args=line | {"choice": choice}) for choice in ("ours", "theirs"))
    let_through = (
        Remedy("request_override"),
        Remedy("grant_override", role=Role.ACCOUNTING, args={"finding": finding.code}),
    )
    manager = (Remedy("waive_finding", role=Role.MANAGER, args={"finding": finding.code}),)
    clause = {"clause": finding.data.get("clause", "")}
    which_clause = (
        Remedy("keep_clause", args=clause),
        Remedy("accept_clause", role=Role.MANAGER, args=clause),
    )

    def ask(about: str) -> Remedy:
        return Remedy("ask_customer", args={"about": about})

    known: dict[str, tuple[Remedy, ...]] = {
        # lines
        "article_unknown": which,
        "article_doubtful": which,
        "quantity_unknown": (Remedy("ask_quantity", args=line), Remedy("remove_line", args=line)),
        # prices
        "price_differs": settle,
        # account
        "over_limit": let_through,
        "overdue": let_through,
        "customer_on_hold": let_through,
        "customer_closed": let_through,
        # deposit
        "deposit_due": (Remedy("request_deposit"),),
        # conformity
        "order_number_missing": (Remedy("ask_number"), ask("number"), *manager),
        "order_date_missing": (Remedy("ask_date"), ask("date"), *manager),
        "order_date_ahead": (Remedy("ask_date"), *manager),
        "buyer_unknown": (Remedy("who_ordered"), ask("buyer"), *manager),
        "buyer_over_limit": (ask("authority"), *manager),
        "delivery_address_unknown": (Remedy("which_address"), ask("address"), *manager),
        "delivery_address_open": (Remedy("which_address"), ask("address"), *manager),
        "billing_address_incomplete": (ask("billing"), *manager),
        "identifiers_missing": (ask("identifiers"), *manager),
        "electronic_address_missing": (ask("electronic"), *manager),
        "quote_unknown": (ask("quote"), *manager),
        "total_differs": (ask("totals"), *manager),
        "order_does_not_add_up": (ask("totals"), *manager),
        # terms of sale and of purchase
        "sale_terms_never_accepted": (Remedy("note_acceptance"), *manager),
        "sale_terms_outdated": (Remedy("note_acceptance"), *manager),
        **dict.fromkeys((*GAPS.values(), "clause_unanswered"), which_clause),
        "recap_not_accepted": (Remedy("send_recap"),),
        "customer_to_confirm": (Remedy("confirm_customer"), Remedy("search_customer")),
    }
    return known.get(finding.code, ())
