"""The accounting and the commercial check: a tuple of pure functions, each a sentence that holds or a finding.

Adding a check is one function here, one sentence in `templates/messages/*/findings.toml` and one test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from core.facts import Facts
from core.money import ZERO, total
from core.orders import PriceChoice
from core.parties import Requirement, Role

#: Below this confidence a person must look at a line before the order is registered.
SURE = Decimal("0.9")


class Service(StrEnum):
    """Whose check it is."""

    ACCOUNTING = "accounting"
    COMMERCIAL = "commercial"


class Severity(StrEnum):
    """What a finding does: it blocks registration, it is to be watched, or it is only noted."""

    BLOCK = "block"
    WATCH = "watch"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, with its numbers; `override` names the role that may let it through, if any."""

    code: str
    service: Service
    severity: Severity
    position: int | None = None
    data: dict[str, object] = field(default_factory=dict)
    override: Role | None = None
    overridden: bool = False

    @property
    def blocks(self) -> bool:
        """The order may not be registered because of it."""
        return self.severity is Severity.BLOCK and not self.overridden


Check = Callable[[Facts], Iterator[Finding]]


def _accounting(code: str, severity: Severity, **data: object) -> Finding:
    override = Role.ACCOUNTING if severity is Severity.BLOCK else None
    return Finding(code, Service.ACCOUNTING, severity, data=data, override=override)


def _commercial(code: str, severity: Severity, position: int | None = None, **data: object) -> Finding:
    return Finding(code, Service.COMMERCIAL, severity, position, data)


def customer_is_open(facts: Facts) -> Iterator[Finding]:
    """The customer is active and not on hold."""
    if not facts.customer_active:
        yield _accounting("customer_closed", Severity.BLOCK)
    if facts.customer_on_hold:
        yield _accounting("customer_on_hold", Severity.BLOCK)


def exposure_is_within_limit(facts: Facts) -> Iterator[Finding]:
    """The exposure with this order stays within the limit; a missing limit is itself a finding."""
    exposure = facts.exposure.total
    if facts.credit_limit is None:
        yield _accounting("limit_missing", Severity.NOTE, exposure=exposure)
    elif exposure > facts.credit_limit:
        yield _accounting(
            "over_limit", Severity.BLOCK, exposure=exposure, limit=facts.credit_limit,
            excess=exposure - facts.credit_limit,
        )  # fmt: skip


def nothing_is_overdue(facts: Facts) -> Iterator[Finding]:
    """No undisputed invoice is past its due date."""
    if not facts.overdue:
        return
    oldest = max(receivable.days_late(facts.today) for receivable in facts.overdue)
    yield _accounting(
        "overdue", Severity.BLOCK, count=len(facts.overdue), amount=total(r.due for r in facts.overdue), days=oldest,
        numbers=tuple(r.number for r in facts.overdue),
    )  # fmt: skip


def order_has_lines(facts: Facts) -> Iterator[Finding]:
    """There is something to deliver."""
    if not facts.lines:
        yield _commercial("no_lines", Severity.BLOCK)


def every_line_has_an_article(facts: Facts) -> Iterator[Finding]:
    """Each line says which article, and how many."""
    for line in facts.lines:
        if line.sku is None:
            yield _commercial("article_unknown", Severity.BLOCK, line.position, text=line.text)
        elif line.quantity is None or line.quantity <= 0:
            yield _commercial("quantity_unknown", Severity.BLOCK, line.position, text=line.text)
        elif line.confidence < SURE:
            yield _commercial("article_doubtful", Severity.BLOCK, line.position, text=line.text, sku=line.sku)


def prices_agree(facts: Facts) -> Iterator[Finding]:
    """The customer's price is ours within the tolerance, or somebody has decided."""
    for line in facts.lines:
        if line.customer_price is None or line.unit_price is None or line.price_choice is not None:
            continue
        gap = abs(line.customer_price - line.unit_price)
        if gap > line.unit_price * facts.price_tolerance_percent / 100:
            yield _commercial(
                "price_differs", Severity.BLOCK, line.position, sku=line.sku, ours=line.unit_price,
                theirs=line.customer_price, quantity=line.quantity,
            )  # fmt: skip


def accepted_price_is_noted(facts: Facts) -> Iterator[Finding]:
    """A price accepted from a purchase order stays visible."""
    for line in facts.lines:
        if line.price_choice is PriceChoice.THEIRS:
            yield _commercial("price_accepted", Severity.NOTE, line.position, sku=line.sku, price=line.unit_price)


def stock_covers_every_line(facts: Facts) -> Iterator[Finding]:
    """Stock can be promised for each line; what is short becomes a backorder."""
    wanted: dict[str, Decimal] = {}
    for line in facts.lines:
        if line.sku is None or line.quantity is None:
            continue
        wanted[line.sku] = wanted.get(line.sku, Decimal(0)) + line.quantity
        if wanted[line.sku] > line.available:
            yield _commercial(
                "stock_short", Severity.WATCH, line.position, sku=line.sku, wanted=line.quantity,
                available=line.available, backorder=min(wanted[line.sku] - line.available, line.quantity),
            )  # fmt: skip


def recap_is_accepted(facts: Facts) -> Iterator[Finding]:
    """The customer said yes: he accepted the recap, or his purchase order carries his « bon pour accord »."""
    if facts.recap_accepted or facts.accord or facts.recap_policy is Requirement.IGNORED:
        return
    required = facts.recap_policy is Requirement.REQUIRED
    yield _commercial("recap_not_accepted", Severity.BLOCK if required else Severity.NOTE)


def customer_is_certain(facts: Facts) -> Iterator[Finding]:
    """Whose order it is was not merely concluded from a domain, a name or a number."""
    if facts.customer_clue:
        yield _commercial("customer_to_confirm", Severity.BLOCK, clue=facts.customer_clue)


def sender_is_authenticated(facts: Facts) -> Iterator[Finding]:
    """Whoever ordered is who he says he is."""
    if not facts.sender_authenticated:
        yield _commercial("sender_not_authenticated", Severity.WATCH)


def deposit_is_paid(facts: Facts) -> Iterator[Finding]:
    """The deposit that the customer owes before registration is there."""
    if not facts.deposit_percent or facts.deposit_due == ZERO:
        return
    if facts.deposit_paid >= facts.deposit_due:
        yield _commercial("deposit_paid", Severity.NOTE, amount=facts.deposit_paid)
        return
    code = "deposit_unpaid" if facts.deposit_invoiced else "deposit_due"
    yield Finding(
        code, Service.COMMERCIAL, Severity.BLOCK,
        data={"percent": facts.deposit_percent, "amount": facts.deposit_due, "paid": facts.deposit_paid},
        override=Role.ACCOUNTING,
    )  # fmt: skip


def totals_add_up(facts: Facts) -> Iterator[Finding]:
    """The total on the purchase order is the one we come to."""
    if facts.customer_total is not None and facts.customer_total != facts.order_net:
        yield _commercial("total_differs", Severity.NOTE, theirs=facts.customer_total, ours=facts.order_net)


def purchase_order_is_new(facts: Facts) -> Iterator[Finding]:
    """No other order carries the same purchase order number."""
    if facts.same_reference:
        yield _commercial("possible_duplicate", Severity.WATCH, orders=facts.same_reference)


def quote_still_holds(facts: Facts) -> Iterator[Finding]:
    """The quote that the order refers to had not expired."""
    if facts.quote_expired:
        yield _commercial("quote_expired", Severity.WATCH, quote=facts.quote_reference)


CHECKS: tuple[Check, ...] = (
    customer_is_certain,
    customer_is_open,
    exposure_is_within_limit,
    nothing_is_overdue,
    order_has_lines,
    every_line_has_an_article,
    prices_agree,
    accepted_price_is_noted,
    stock_covers_every_line,
    deposit_is_paid,
    recap_is_accepted,
    sender_is_authenticated,
    totals_add_up,
    purchase_order_is_new,
    quote_still_holds,
)
_WEIGHT = {Severity.BLOCK: 0, Severity.WATCH: 1, Severity.NOTE: 2}


def examine(facts: Facts) -> tuple[Finding, ...]:
    """Everything both services find, blockers first; a finding that was let through stays, marked."""
    found = [finding for check in CHECKS for finding in check(facts)]
    marked = [
        Finding(f.code, f.service, f.severity, f.position, f.data, f.override, overridden=f.code in facts.overridden)
        if f.override is not None
        else f
        for f in found
    ]
    return tuple(sorted(marked, key=lambda finding: _WEIGHT[finding.severity]))


def verdict(findings: tuple[Finding, ...], service: Service) -> Severity:
    """What a service says of the order: block, watch, or (note) go."""
    own = [finding for finding in findings if finding.service is service]
    if any(finding.blocks for finding in own):
        return Severity.BLOCK
    return Severity.WATCH if any(finding.severity is not Severity.NOTE for finding in own) else Severity.NOTE
