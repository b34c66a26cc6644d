"""What can be done about a finding: each remedy is an action a button may carry, with the role that may press it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from core.checks import Finding
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
    settle = tuple(Remedy("settle_price", args=line | {"choice": choice}) for choice in ("ours", "theirs"))
    let_through = (
        Remedy("request_override"),
        Remedy("grant_override", role=Role.ACCOUNTING, args={"finding": finding.code}),
    )
    known: dict[str, tuple[Remedy, ...]] = {
        # lines
        "article_unknown": which,
        "article_doubtful": which,
        # stock and delivery days
        "stock_short": _shortage(finding),
        "below_minimum_quantity": (Remedy("round_quantity", args=line), *_asked_of(Role.MANAGER, finding)),
        "not_a_multiple": (Remedy("round_quantity", args=line), *_asked_of(Role.MANAGER, finding)),
        "below_minimum_order": _asked_of(Role.MANAGER, finding),
        **dict.fromkeys(DELIVERY_DAYS, _delivery_day(finding)),
        "quantity_unknown": (Remedy("ask_quantity", args=line), Remedy("remove_line", args=line)),
        # prices
        "price_differs": settle,
        # account
        "over_limit": (*let_through, Remedy("request_payment")),
        "overdue": (*let_through, Remedy("request_payment")),
        "reminder_reached": (*let_through, Remedy("request_payment")),
        "customer_on_hold": let_through,
        "customer_closed": let_through,
        "customer_insolvent": let_through,
        # deposit
        "deposit_due": (Remedy("request_deposit"),),
        # conformity
        "recap_not_accepted": (Remedy("send_recap"),),
        "customer_to_confirm": (Remedy("confirm_customer"), Remedy("search_customer")),
    }
    return known.get(finding.code, ())


def _asked_of(role: Role, finding: Finding) -> tuple[Remedy, ...]:
    return Remedy("request_override"), Remedy("grant_override", role=role, args={"finding": finding.code})


def _shortage(finding: Finding) -> tuple[Remedy, ...]:
    """What is there now, all of it later, another article, less: as far as each is possible."""
    data, line = finding.data, {"position": finding.position}
    day, cap, others = data.get("day"), data.get("cap"), data.get("alternatives")
    found = [Remedy("keep_backorder", args=line)] if data.get("partial") else []
    found += [Remedy("wait_until", args=line | {"day": day.isoformat()})] if isinstance(day, date) else []
    if isinstance(others, tuple):
        found += [Remedy("choose_substitute", args=line | {"other": sku}) for sku in others[:3]]
    found += [Remedy("cap_line", args=line | {"quantity": str(cap)})] if isinstance(cap, Decimal) and cap else []
    found += [Remedy("remove_line", args=line)]
    return (*found, *(_asked_of(Role.MANAGER, finding) if finding.override else ()))


def _delivery_day(finding: Finding) -> tuple[Remedy, ...]:
    day = finding.data.get("day")
    found = (Remedy("deliver_on", args={"day": day.isoformat()}),) if isinstance(day, date) else ()
    return (*found, *(_asked_of(Role.MANAGER, finding) if finding.override else ()))
