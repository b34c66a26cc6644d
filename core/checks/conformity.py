"""Commercial: the purchase order conforms: consent, identity, authority, places, totals, what the invoice will need."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Service, Severity, accounting, commercial
from core.facts import Facts
from core.money import Money
from core.parties import Point, Requirement, Role
from core.roundings import Way


def customer_is_certain(facts: Facts) -> Iterator[Finding]:
    """Whose order it is was not merely concluded from a domain, a name or a number."""
    if facts.conformity.customer_clue:
        yield commercial("customer_to_confirm", Severity.BLOCK, clue=facts.conformity.customer_clue)


def recap_is_accepted(facts: Facts) -> Iterator[Finding]:
    """The customer said yes: he accepted the recap, or his purchase order carries his « bon pour accord »."""
    if (
        facts.conformity.recap_accepted
        or facts.conformity.accord
        or facts.conformity.recap_policy is Requirement.IGNORED
    ):
        return
    required = facts.conformity.recap_policy is Requirement.REQUIRED
    severity, override = (Severity.BLOCK, Role.MANAGER) if required else (Severity.NOTE, None)
    yield commercial("recap_not_accepted", severity, override=override)


def sender_is_authenticated(facts: Facts) -> Iterator[Finding]:
    """Whoever ordered is who he says he is."""
    if not facts.conformity.sender_authenticated:
        yield commercial("sender_not_authenticated", Severity.WATCH, sender=facts.conformity.sender)


def _severity(facts: Facts, point: Point) -> Severity | None:
    """What a shortcoming of that point does to the order; None when nobody looks."""
    wanted = facts.conformity.requirements[point]
    if wanted is Requirement.IGNORED:
        return None
    return Severity.BLOCK if wanted is Requirement.REQUIRED else Severity.NOTE


def _lacking(facts: Facts, point: Point, code: str, **data: object) -> Iterator[Finding]:
    severity = _severity(facts, point)
    if severity is not None:
        override = Role.MANAGER if severity is Severity.BLOCK else None
        yield Finding(code, Service.COMMERCIAL, severity, data=data, override=override)


def order_has_a_number(facts: Facts) -> Iterator[Finding]:
    """The purchase order has its number, where the customer's own rules ask for it."""
    if not facts.conformity.number:
        yield from _lacking(facts, Point.NUMBER, "order_number_missing")


def order_has_a_date(facts: Facts) -> Iterator[Finding]:
    """The purchase order is dated, and not in the future."""
    if facts.conformity.ordered_on is None:
        yield from _lacking(facts, Point.DATE, "order_date_missing")
    elif facts.conformity.ordered_on > facts.today:
        yield from _lacking(facts, Point.DATE, "order_date_ahead", date=facts.conformity.ordered_on)


def buyer_has_authority(facts: Facts) -> Iterator[Finding]:
    """Whoever ordered may order for so much; where some contacts are limited, who ordered must be known."""
    known = facts.conformity
    if known.buyer is None and known.authority_limited:
        yield from _lacking(facts, Point.AUTHORITY, "buyer_unknown")
    elif known.buyer_limit is not None and known.order_gross > known.buyer_limit:
        yield from _lacking(
            facts, Point.AUTHORITY, "buyer_over_limit", buyer=known.buyer, limit=known.buyer_limit,
            amount=known.order_gross,
        )  # fmt: skip


def place_is_known(facts: Facts) -> Iterator[Finding]:
    """Where the goods go is one of the customer's places, and which one is said when he has several."""
    known = facts.conformity
    if known.place_known:
        return
    if known.place_said:
        yield from _lacking(facts, Point.DELIVERY_ADDRESS, "delivery_address_unknown", said=known.place_said)
    elif known.places > 1:
        yield from _lacking(facts, Point.DELIVERY_ADDRESS, "delivery_address_open", count=known.places)


def billing_address_is_complete(facts: Facts) -> Iterator[Finding]:
    """The invoice can be addressed (CGI ann. II art. 242 nonies A: the full address of the buyer)."""
    if facts.conformity.unbilled:
        yield from _lacking(
            facts, Point.BILLING_ADDRESS, "billing_address_incomplete", missing=facts.conformity.unbilled
        )


def totals_add_up(facts: Facts) -> Iterator[Finding]:
    """The total on the purchase order is the one we come to, and the sum of its own lines."""
    theirs, ours = facts.conformity.customer_total, facts.conformity.order_net
    if theirs is None:
        return
    own = facts.conformity.lines_total
    cents = Money.from_cents(max(len(facts.lines), 1))  # each line may be rounded the other way
    if theirs != ours:
        rounded = -cents <= theirs - ours <= cents
        code = "total_rounded" if rounded else "total_differs"
        severity = Severity.NOTE if rounded else _severity(facts, Point.TOTALS)
        if severity is not None:
            override = Role.MANAGER if severity is Severity.BLOCK else None
            off = facts.conformity.rounding
            way = (off.way if off is not None else Way.UNKNOWN) if rounded else None
            yield commercial(code, severity, override=override, theirs=theirs, ours=ours, how=way)
    if own is not None and not -cents <= theirs - own <= cents:
        yield from _lacking(facts, Point.TOTALS, "order_does_not_add_up", stated=theirs, summed=own)


def vat_adds_up(facts: Facts) -> Iterator[Finding]:
    """The VAT and the total with VAT on the purchase order are ours; a cent or so is explained (EN 16931 BR-CO-17)."""
    off = facts.conformity.rounding
    if off is None or off.what == "net":
        return
    if off.small:
        yield commercial("vat_rounded", Severity.NOTE, what=off.what, theirs=off.theirs, ours=off.ours, how=off.way)
    else:
        yield from _lacking(
            facts, Point.TOTALS, "vat_differs", what=off.what, theirs=off.theirs, ours=off.ours, how=off.way
        )


def quote_is_known(facts: Facts) -> Iterator[Finding]:
    """The quote that the purchase order refers to is one of ours, and this customer's."""
    if facts.conformity.quote_said and not facts.conformity.quote_found:
        yield from _lacking(facts, Point.QUOTE, "quote_unknown", quote=facts.conformity.quote_said)


def buyer_is_identified(facts: Facts) -> Iterator[Finding]:
    """A French buyer has the SIREN and SIRET that his invoice must bear (BT-47, BR-FR-10)."""
    missing = tuple(name for name in facts.conformity.unidentified if name != "vat_number")
    if missing:
        yield from _lacking(facts, Point.IDENTIFIERS, "identifiers_missing", missing=missing)


def untaxed_buyer_has_his_number(facts: Facts) -> Iterator[Finding]:
    """Who is charged no VAT because of his VAT number has one (directive 2006/112/CE art. 138, 196)."""
    if facts.conformity.untaxed:
        yield accounting("vat_number_missing", Severity.BLOCK)


def vat_is_charged_where_it_is_due(facts: Facts) -> Iterator[Finding]:
    """A customer abroad is charged French VAT only on purpose: his record may never have been told otherwise."""
    if facts.conformity.taxed_abroad:
        yield accounting("taxed_abroad", Severity.NOTE, country=facts.conformity.taxed_abroad)


def invoice_is_possible(facts: Facts) -> Iterator[Finding]:
    """What leaves can be invoiced: our own mentions are complete, and VAT is charged or rightly left out."""
    if facts.conformity.unprinted:
        yield accounting("seller_incomplete", Severity.WATCH, missing=facts.conformity.unprinted)
    if facts.conformity.uninvoiceable:
        yield accounting("invoice_impossible", Severity.BLOCK, reasons=facts.conformity.uninvoiceable)


def invoice_has_an_address(facts: Facts) -> Iterator[Finding]:
    """A French buyer's electronic address is known (BT-49), without which his platform refuses the invoice."""
    if facts.conformity.electronic_address == "":
        yield from _lacking(facts, Point.ELECTRONIC_ADDRESS, "electronic_address_missing")
