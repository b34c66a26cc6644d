"""The warehouse's side of a delivery: how much, from which batch, what instead, how it leaves, the signed note."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.access import allowed
from bot.cards import Content, plural
from bot.handlers.sales import number
from bot.handlers.staff import ship
from bot.keyboards import Press
from core import catalogue, deliveries, orders, receipts
from core.clock import business_date
from core.deliveries import Delivery, DeliveryLine, DeliveryState, Parcels, substitutes
from core.errors import IllegalTransition, Refused
from core.orders import LineWish, Order, Wanted, revisions
from intake.reading.words import plain as unaccented

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.turns import Turn

Args = dict[str, Any]
MOST_LABEL = 16


def _words(key: str) -> str:
    return str(texts.table("menus", "fr")["words"][key])


def _line(delivery: Delivery, args: Args) -> DeliveryLine:
    line = deliveries.line_of(delivery, int(args["position"]))
    if line is None:
        raise Refused("line_unknown", reference=delivery.reference, position=args["position"])
    return line


def line_menu(turn: Turn, args: Args, delivery: Delivery) -> None:
    """What else may be noted of a line: its batches, another article in its place."""
    line, position = _line(delivery, args), int(args["position"])
    about = {"delivery": delivery.id, "position": position}
    rows = [[Press("ask_batches", about, {"position": position})]]
    if line.substitute is None and line.proposed_id is None:
        rows += [
            [Press("propose_substitute", {**about, "sku": one.sku}, {"sku": one.sku})]
            for one in substitutes.possible(turn.session, line)[:3]
        ]
        rows.append([Press("search_substitute", about)])
    name = line.article.name if line.article is not None else ""
    turn.send(Content(texts.escape(texts.answer("line_what", position=position, name=name)), rows))


def prepared(turn: Turn, args: Args, text: str) -> None:
    """Note the quantity; what is missing is asked about, what is beyond the order is proposed to sales."""
    delivery, position = turn.session.get_one(Delivery, args["delivery"]), int(args["position"])
    try:
        with turn.session.begin_nested():
            deliveries.set_prepared(turn.session, delivery, position, number(text), by=turn.by, at=turn.at)
    except Refused as refusal:
        if refusal.code != "quantity_above_ordered":
            raise
        _offer_more(turn, delivery, refusal)
        return
    line = _line(delivery, args)
    short = deliveries.remaining_quantities(turn.session, delivery.order).get(line.order_line_id, Decimal(0))
    if short > line.quantity:
        _rest(turn, delivery, line, short - line.quantity)


def _offer_more(turn: Turn, delivery: Delivery, refusal: Refused) -> None:
    wanted, left = Decimal(str(refusal.data["quantity"])), Decimal(str(refusal.data["ordered"]))
    position = int(str(refusal.data["position"]))
    args = {"delivery": delivery.id, "position": position, "quantity": f"{wanted:f}"}
    html = texts.escape(texts.answer("more_than_ordered", position=position, ordered=left, quantity=wanted))
    turn.send(Content(html, [[Press("propose_more", args, {"quantity": wanted})]]))


def propose_more(turn: Turn, args: Args, delivery: Delivery) -> None:
    """A change of the order, for sales to decide on; it leaves only once they have."""
    line, order = _line(delivery, args), delivery.order
    gone = deliveries.shipped_quantities(turn.session, order).get(line.order_line_id, Decimal(0))
    wish = LineWish(line.order_line.position, gone + Decimal(args["quantity"]))
    revisions.propose(turn.session, order, Wanted((wish,)), by=turn.by, at=turn.at)
    turn.toast = texts.answer("more_proposed")


def _rest(turn: Turn, delivery: Delivery, line: DeliveryLine, left: Decimal) -> None:
    """« Les 3 restants ? »: a backorder, with its day where goods are expected, or given up."""
    args = {"delivery": delivery.id, "position": line.order_line.position}
    own = line.order_line.article_id
    coming = receipts.expected(turn.session, [own], today=business_date(turn.at)) if own is not None else {}
    day = next((day for day, _ in coming.get(own or 0, [])), None)
    later = (
        Press("rest_backorder", args)
        if day is None
        else Press("rest_backorder", args, {"day": texts.day(day)}, "rest_backorder_on")
    )
    html = texts.escape(texts.answer("rest_what", position=line.order_line.position, left=left))
    turn.send(Content(html, [[later], [Press("rest_close", args)]]))


def rest_backorder(turn: Turn, args: Args, delivery: Delivery) -> None:
    """The rest follows."""
    _settle_rest(turn, args, delivery, close=False, key="rest_kept")


def rest_close(turn: Turn, args: Args, delivery: Delivery) -> None:
    """The rest is given up when this leaves, and the customer is told then."""
    _settle_rest(turn, args, delivery, close=True, key="rest_to_close")


def _settle_rest(turn: Turn, args: Args, delivery: Delivery, *, close: bool, key: str) -> None:
    position = int(args["position"])
    deliveries.close_rest(turn.session, delivery, position, close=close, by=turn.by, at=turn.at)
    turn.show(Content(texts.escape(texts.answer(key, position=position))))


def ask_batches(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """Which batches? The next text."""
    turn.ask("batches", "what_batches", delivery=args["delivery"], position=args["position"])


def batches(turn: Turn, args: Args, text: str) -> None:
    """« A123 6, B77 3 »: each batch with its quantity; the last one may take the rest."""
    delivery, position = turn.session.get_one(Delivery, args["delivery"]), int(args["position"])
    found: list[tuple[str, Decimal | None]] = []
    for part in re.split(r"[;\n]|,(?!\d)", text):
        named, _, count = part.strip().partition(" ")
        if named:
            found.append((named, number(count) if count.strip() else None))
    deliveries.set_batches(turn.session, delivery, position, found, by=turn.by, at=turn.at)
    turn.say("batches_noted", position=position)


def propose_substitute(turn: Turn, args: Args, delivery: Delivery) -> None:
    """Another article in its place, if sales or the customer agrees."""
    article = catalogue.article_by_sku(turn.session, str(args["sku"]))
    substitutes.propose(turn.session, delivery, int(args["position"]), article, by=turn.by, at=turn.at)
    turn.say("proposed_substitute", reference=delivery.reference)


def search_substitute(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """Which article? The next text."""
    turn.ask("substitute_sku", "which_substitute", delivery=args["delivery"], position=args["position"])


def substitute_sku(turn: Turn, args: Args, text: str) -> None:
    """Its reference was typed."""
    propose_substitute(turn, {**args, "sku": text.strip()}, turn.session.get_one(Delivery, args["delivery"]))


def accept_substitute(turn: Turn, args: Args, delivery: Delivery) -> None:
    """Sales or the customer says yes."""
    _accept(turn, delivery, int(args["position"]), None)


def _accept(turn: Turn, delivery: Delivery, position: int, price: Decimal | None) -> None:
    line = substitutes.accept(turn.session, delivery, position, by=turn.by, at=turn.at, price=price)
    sku = line.article.sku if line.article is not None else ""
    turn.say("substitute_done", position=position, sku=sku, price=line.price)


def no_substitute(turn: Turn, args: Args, delivery: Delivery) -> None:
    """Sales or the customer says no: the line stays what it was."""
    substitutes.refuse(turn.session, delivery, int(args["position"]), by=turn.by, at=turn.at)
    turn.say("substitute_none", position=int(args["position"]))


def ask_substitute(turn: Turn, args: Args, delivery: Delivery) -> None:
    """The customer decides."""
    substitutes.ask_customer(turn.session, delivery, int(args["position"]), by=turn.by, at=turn.at)
    turn.toast = texts.answer("substitute_asked")


def substitute_price(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """At which price? The next text."""
    turn.ask("price_of_substitute", "what_price", delivery=args["delivery"], position=args["position"])


def price_of_substitute(turn: Turn, args: Args, text: str) -> None:
    """Yes, at that price."""
    _accept(turn, turn.session.get_one(Delivery, args["delivery"]), int(args["position"]), number(text))


def ask_parcels(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """How many packages, by whom? The next text."""
    turn.ask("parcels", "what_parcels", delivery=args["delivery"])


def parcels(turn: Turn, args: Args, text: str) -> None:
    """Note them; it leaves by its own button."""
    delivery = turn.session.get_one(Delivery, args["delivery"])
    deliveries.set_parcels(turn.session, delivery, read_parcels(text), by=turn.by, at=turn.at)
    turn.say("parcels_noted", reference=delivery.reference)


def read_parcels(said: str) -> Parcels:
    """« 16 colis, Chronopost 12345 »: the number of packages, then the carrier, then a tracking number with a digit."""
    count, rest = None, said.strip()
    if (found := re.search(_words("parcels"), rest, re.IGNORECASE)) is not None:
        count, rest = int(found["count"]), f"{rest[: found.start()]} {rest[found.end() :]}"
    if re.search(_words("no_parcels"), rest, re.IGNORECASE):
        return Parcels(count)
    named = [word for word in re.split(r"[\s,;:]+", rest) if word]
    tracking = named.pop() if named and any(letter.isdigit() for letter in named[-1]) else ""
    return Parcels(count, " ".join(named)[:60], tracking[:60])


def takes(turn: Turn, text: str, files: Sequence[tuple[str, bytes]], about: tuple[str, int]) -> bool:
    """A colleague's signed note, or his words that a delivery leaves; False for anything else."""
    return takes_note(turn, text, files, about) or (not files and takes_words(turn, text, about))


def takes_words(turn: Turn, text: str, about: tuple[str, int]) -> bool:
    """« Expédier 16 colis, Chronopost 12345 », in reply to a card, with its number, or while one alone is prepared."""
    found = re.match(_words("ship"), text, re.IGNORECASE)
    if found is None or not allowed(turn.link, "ship"):
        return False
    delivery = _meant(turn, text, about)
    if delivery is None:
        turn.say("help_staff")
        return True
    said = re.sub(_words("delivery_number"), "", text[found.end() :], flags=re.IGNORECASE)
    if said.strip():
        deliveries.set_parcels(turn.session, delivery, read_parcels(said), by=turn.by, at=turn.at)
    ship(turn, {}, delivery)
    if turn.toast:
        turn.say("shipped", reference=delivery.reference)
    return True


def _meant(turn: Turn, text: str, about: tuple[str, int]) -> Delivery | None:
    named = re.search(_words("delivery_number"), text, re.IGNORECASE)
    if named is not None:
        return deliveries.by_reference(turn.session, named[0])
    if about[0] == "delivery":
        return turn.session.get_one(Delivery, about[1])
    open_now = turn.session.query(Delivery).filter_by(state=DeliveryState.PREPARING).limit(2).all()
    return open_now[0] if len(open_now) == 1 else None


def takes_note(turn: Turn, text: str, files: Sequence[tuple[str, bytes]], about: tuple[str, int]) -> bool:
    """The photo of a signed note, in reply to its delivery's card or with its number: kept, and its proof.

    A caption that says more than that is not taken for a receipt without remarks: it is asked.
    """
    named = re.search(_words("delivery_number"), text, re.IGNORECASE)
    if not files or (named is None and about[0] != "delivery") or not allowed(turn.link, "file_note"):
        return False
    delivery = _meant(turn, text, about)
    if delivery is None:
        return False
    if delivery.state is DeliveryState.PREPARING:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.VERIFIED)
    clean = _says_no_more(text)
    for name, content in files:
        deliveries.file_signed_note(
            turn.session, delivery, name=name, content=content, house=turn.house, by=turn.by, at=turn.at, clean=clean
        )
    if delivery.state is DeliveryState.VERIFIED:
        turn.say("note_verified" if clean else "note_filed", reference=delivery.reference)
        return True
    args = {"delivery": delivery.id}
    html = texts.escape(texts.answer("note_with_words", reference=delivery.reference))
    turn.send(Content(html, [[Press("note_clean", args)], [Press("report_reserve", args)]]))
    return True


def _says_no_more(caption: str) -> bool:
    """Nothing beside the number and « bon signé »: any other word may be a remark."""
    rest = re.sub(_words("without_remarks"), " ", caption, flags=re.IGNORECASE)
    if re.search(_words("with_remarks"), rest, re.IGNORECASE):
        return False
    for key in ("delivery_number", "signed_note"):
        rest = re.sub(_words(key), " ", rest, flags=re.IGNORECASE)
    return not re.search(r"\w", unaccented(rest))


def note_clean(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """No remark: the photographed note is the proof, else the colleague who was told."""
    kept = next((one for one in reversed(delivery.files) if one.kind is deliveries.FileKind.SIGNED_NOTE), None)
    proof = deliveries.Signature(
        via=f"delivery_file:{kept.id}" if kept is not None else f"chat:{turn.chat_id}:{turn.update_id}"
    )
    deliveries.verify(turn.session, delivery, house=turn.house, by=turn.by, at=turn.at, signature=proof)
    key = "note_verified" if kept is not None else "receipt_taken"
    turn.show(Content(texts.escape(texts.answer(key, reference=delivery.reference))))


def show_delivery(turn: Turn, rest: str) -> None:
    """`/reception BL-2026-0001`: what a customer said by telephone or by mail is noted for him."""
    delivery = deliveries.by_reference(turn.session, rest)
    if delivery is None:
        turn.say("reception_words")
        return
    card = cards.preparation_card(delivery)
    noted = [[Press("note_clean", {"delivery": delivery.id})]] if delivery.state is DeliveryState.SHIPPED else []
    turn.send(Content(card.html, [*noted, *card.rows]))


def of_batch(turn: Turn, rest: str) -> None:
    """`/lot A123`: which customers received it."""
    if not rest:
        turn.say("batch_words")
        return
    found = deliveries.of_batch(turn.session, rest)
    if not found:
        turn.say("batch_nobody", number=rest.upper())
        return
    lines = [texts.answer("batch_title", number=rest.upper())]
    for delivery, line, batch in found:
        article = line.article
        assert article is not None and delivery.shipped_at is not None  # noqa: S101, PT018 - it left
        lines.append(
            texts.answer(
                "batch_line", customer=delivery.customer.name, reference=delivery.reference, sku=article.sku,
                name=article.name, quantity=batch.quantity, unit=plural(article.unit, batch.quantity),
                day=texts.day(delivery.shipped_at),
            )
        )  # fmt: skip
    turn.send(Content(texts.escape("\n".join(lines))))


def cancel_backorder(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """What is still to come of the order, each with what giving it up means."""
    order = orders.lock(turn.session, delivery.order_id)
    left = deliveries.remaining_quantities(turn.session, order)
    rows = [
        [
            Press(
                "close_backorder", {"delivery": delivery.id, "position": line.position},
                {"left": cards.parcelled(line, left[line.id], turn.language), "name": line.article.name},
            )
        ]
        for line in order.kept_lines
        if line.id in left and line.article is not None
    ]  # fmt: skip
    if not rows:
        turn.say("backorder_none")
        return
    turn.send(Content(texts.escape(texts.answer("which_rest", turn.language)), rows, language=turn.language))


def close_backorder(turn: Turn, args: Args, delivery: Delivery) -> None:
    """The rest of that line is given up."""
    from core import revising

    position = int(args["position"])
    order: Order = revising.close_line(
        turn.session, delivery.order_id, position, house=turn.house, by=turn.by, at=turn.at
    )
    name = next((line.article.name for line in order.lines if line.position == position and line.article), "")
    html = texts.escape(texts.answer("backorder_closed", turn.language, name=name))
    turn.show(Content(html, language=turn.language))


ACTIONS: dict[str, tuple[str, Any]] = {
    act.__name__: ("delivery", act)
    for act in (
        line_menu, propose_more, rest_backorder, rest_close, ask_batches, propose_substitute, search_substitute,
        accept_substitute, no_substitute, ask_substitute, substitute_price, ask_parcels, note_clean, cancel_backorder,
        close_backorder,
    )
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "prepared": prepared,
    "batches": batches,
    "substitute_sku": substitute_sku,
    "price_of_substitute": price_of_substitute,
    "parcels": parcels,
}
COMMANDS: dict[str, Any] = {"of_batch": of_batch, "show_delivery": show_delivery}
