"""What can be done about a finding: each remedy is an action a button may carry, with the role that may press it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.checks import Finding
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
    other = {"other": finding.data.get("other")}
    twin: tuple[Remedy, ...] = (Remedy("duplicate_drop", args=other), Remedy("duplicate_keep", args=other))
    if finding.data.get("other_state") in {"draft", "confirmed"}:
        twin = (*twin, Remedy("duplicate_correct", args=other))
    known: dict[str, tuple[Remedy, ...]] = {
        # duplicates
        "possible_duplicate": twin,
        "duplicate_number": twin,
        "duplicate_files": twin,
        "duplicate_lines": twin,
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
        "recap_not_accepted": (Remedy("send_recap"),),
        "customer_to_confirm": (Remedy("confirm_customer"), Remedy("search_customer")),
    }
    return known.get(finding.code, ())
