"""The order as its customer sees it."""

from __future__ import annotations

from bot import texts
from bot.cards.contents import Content, order_context, terms_named
from bot.keyboards import Press, Rows
from core.orders import Order, OrderState


def recap_card(order: Order) -> Content:
    """The order as its customer sees it; he never reads why something waits."""
    language = order.customer.language
    from bot import changes

    html = texts.render(
        "order_recap",
        language,
        terms=terms_named(order),
        **order_context(order, language),
        **changes.last_of_draft(order, language),
    )
    rows: Rows = ()
    if order.state is OrderState.DRAFT and order.recap_accepted_at is None:
        unknown = any(not line.complete for line in order.kept_lines)
        primary = [] if unknown or not order.kept_lines else [Press("accept_recap")]
        rows = [primary, [Press("edit_line"), Press("change_date"), Press("cancel_order")]]
    elif order.state is OrderState.DRAFT:
        rows = [[Press("edit_line"), Press("cancel_order")], [Press("human")]]
    elif order.state is OrderState.CONFIRMED:
        rows = [[Press("edit_line", label_key="ask_change")], [Press("human")]]
    return Content(html, rows, order, language)
