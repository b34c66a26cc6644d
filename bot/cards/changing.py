"""Changing a draft by buttons: which line, then what becomes of it."""

from __future__ import annotations

import json

from bot import texts
from bot.cards.contents import Content, line_view
from bot.cards.orders import paging
from bot.keyboards import NARROW, Press
from core.orders import Order, OrderLine


def change_view(order: Order, page: int = 0) -> Content:
    """The draft's lines as buttons, a page at a time, and the day."""
    shown, turns = paging(order.kept_lines, page, "change_lines")
    rows = [
        [
            Press(
                "change_line",
                {"position": line.position},
                {"position": line.position, "name": _name(line)},
                most=NARROW,
            )
        ]
        for line in shown
    ]
    html = texts.render("change_lines", order=order, customer=order.customer)
    return Content(html, [*rows, *turns, [Press("show_order")]], order, view=json.dumps(["change", {"page": page}]))


def _name(line: OrderLine) -> str:
    return line.article.name if line.article is not None else line.text


def line_view_of(order: Order, position: int) -> Content | None:
    """One line and what may become of it; None when it was taken out meanwhile."""
    line = next((line for line in order.kept_lines if line.position == position), None)
    if line is None:
        return None
    about = {"position": position}
    html = texts.render("change_line", order=order, customer=order.customer, line=line_view(line))
    rows = [
        [Press("ask_quantity", about)],
        [Press("search_article", about, label_key="other_article"), Press("ask_line_price", about)],
        [Press("remove_line", about)],
        [Press("change_lines", {"page": 0}, label_key="other_line"), Press("show_order")],
    ]
    return Content(html, rows, order, view=json.dumps(["line", about]))
