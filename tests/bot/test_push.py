"""Everything that leaves, against the sandbox: outcomes of every failure, the order kept, nothing twice."""

from __future__ import annotations

from typing import Any


def test_a_draft_reaches_the_customer_and_sales(desk: Any) -> None:
    desk.order()
    desk.settle()
    for who in ("customer", "sales"):
        print(desk.last(who).text, desk.last(who).buttons)
    assert "à vérifier" in desk.last("customer").text
