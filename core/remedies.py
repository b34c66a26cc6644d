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
    match finding.code:
        case "article_unknown" | "article_doubtful":
            own = [str(finding.data["sku"])] if finding.code == "article_doubtful" else []
            choices = list(dict.fromkeys([*own, *alternatives]))[:4]
            return (
                *(Remedy("choose_article", args=line | {"sku": sku}) for sku in choices),
                Remedy("search_article", args=line),
                Remedy("remove_line", args=line),
            )
        case "quantity_unknown":
            return (Remedy("ask_quantity", args=line), Remedy("remove_line", args=line))
        case "price_differs":
            return (
                Remedy("settle_price", args=line | {"choice": "ours"}),
                Remedy("settle_price", args=line | {"choice": "theirs"}),
            )
        case "over_limit" | "overdue" | "customer_on_hold" | "customer_closed":
            return (
                Remedy("request_override"),
                Remedy("grant_override", role=Role.ACCOUNTING, args={"finding": finding.code}),
            )
        case "deposit_due":
            return (Remedy("request_deposit"),)
        case "recap_not_accepted":
            return (Remedy("send_recap"),)
        case _:
            return ()
