"""S22: whatever people write is data in a Telegram message, by one escaping function."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from bot import texts
from bot.sandbox.entities import parse_html, units
from core.formats import sayable

TEXTS = st.text() | st.text(alphabet="<>&;#x0123456789abgltquo\"'/= \n\u00e9\U0001f600")


@given(TEXTS)
@example("<b>Martin & fils</b> &lt;sas&gt; &amp;amp; &#60; &quot;")
def test_s22_any_text_round_trips_through_the_one_escaping_function(said: str) -> None:
    kept = sayable(said)
    assert parse_html(texts.escape(said)) == (kept, [])
    around, found = parse_html(f"<b>{texts.escape(said)}</b>")
    assert around == kept
    assert found == ([{"type": "bold", "offset": 0, "length": units(kept)}] if kept else [])
    assert texts.plain(texts.escape(said)) == kept
    # what templates put in goes the same way
    rendered = texts._environment("fr").from_string("{{ said }}").render(said=said)
    assert parse_html(sayable(rendered)) == (kept, [])


def test_s22_nothing_else_escapes_for_telegram(root: Path) -> None:
    pattern = re.compile(r"\bhtml\.escape\(|\bimport escape\b|escape_markdown|\bmarkupsafe\.escape|quoteattr")
    places = {
        str(path.relative_to(root))
        for folder in ("core", "intake", "bot")
        for path in (root / folder).rglob("*.py")
        if pattern.search(path.read_text("utf-8"))
    }
    assert places == {
        "bot/texts.py",
        "bot/sandbox/entities.py",  # the other end: what the server shows again
        "bot/demo/pictures.py",  # pages that are photographed
        "core/exports/workbooks.py",  # cells of a workbook, which are XML
    }
