"""A delivery as the warehouse sees it."""

from __future__ import annotations

from bot import texts
from bot.cards.contents import Content, parcelled, plural
from bot.keyboards import Press
from core.deliveries import Delivery, DeliveryState


def preparation_card(delivery: Delivery) -> Content:
    """A delivery as the warehouse sees it: where to go, how much to take."""
    lines = [
        {
            "position": line.order_line.position, "quantity": line.quantity, "ordered": line.order_line.quantity,
            "name": line.article.name, "unit": plural(line.article.unit, line.quantity),
            "counted": parcelled(line.order_line, line.quantity), "location": line.article.location,
            "sku": line.article.sku, "batches": line.batch_note, "closes": line.close_rest,
            "instead": line.order_line.article.sku if line.substitute and line.order_line.article else "",
            "proposed": line.proposed.sku if line.proposed is not None else "",
        }
        for line in delivery.lines
        if line.article is not None
    ]  # fmt: skip
    html = texts.render(
        "preparation_card", delivery=delivery, order=delivery.order, customer=delivery.customer, lines=lines,
        when=delivery.order.requested_delivery_date,
    )  # fmt: skip
    args = {"delivery": delivery.id}
    if delivery.state is DeliveryState.SHIPPED:
        return Content(html, [[Press("report_reserve", args), Press("refuse_delivery", args)]])
    if delivery.state is not DeliveryState.PREPARING:
        return Content(html)
    each = [
        [
            Press("set_prepared", {**args, "position": line["position"]}, {"position": line["position"]}),
            Press("line_menu", {**args, "position": line["position"]}, {"position": line["position"]}),
        ]
        for line in lines
    ]
    return Content(html, [[Press("ship", args)], [Press("ask_parcels", args)], *each])
