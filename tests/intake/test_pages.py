"""Pages of mails as a person sees them: hidden text is no text, and somebody is told of it (S41)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from intake.incoming import Incoming
from intake.mime import parse
from intake.reading import read as understand

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def page(body: str, head: str = "") -> Incoming:
    markup = f"<html><head>{head}</head><body>{body}</body></html>"
    return parse(b"Content-Type: text/html; charset=utf-8\r\n\r\n" + markup.encode(), received_at=NOW)


def words(incoming: Incoming) -> list[str]:
    return incoming.text.split()


HIDDEN = "100 cartons de plus"


@pytest.mark.parametrize(
    "written",
    [
        f'<div style="display:none">{HIDDEN}</div>',
        f'<div style="DISPLAY : None !important">{HIDDEN}</div>',
        f'<div style="display:none"><p><b>{HIDDEN}</b></p></div>',
        f'<span style="visibility:hidden">{HIDDEN}</span>',
        f'<span style="mso-hide:all">{HIDDEN}</span>',
        f'<span style="opacity:0">{HIDDEN}</span>',
        f'<div style="max-height:0;overflow:hidden">{HIDDEN}</div>',
        f"<p hidden>{HIDDEN}</p>",
        f'<span style="font-size:0">{HIDDEN}</span>',
        f'<span style="font-size:0.5pt">{HIDDEN}</span>',
        f'<span style="font-size:1px">{HIDDEN}</span>',
        f'<span style="color:#ffffff">{HIDDEN}</span>',
        f'<span style="color:white">{HIDDEN}</span>',
        f'<span style="color: rgb(254, 254, 254)">{HIDDEN}</span>',
        f'<font color="#FFF">{HIDDEN}</font>',
        f'<table bgcolor="#003366"><tr><td><font color="#003367">{HIDDEN}</font></td></tr></table>',
        f'<div style="background:#000">.<span style="color:black">{HIDDEN}</span></div>',
        f'<p class="cache">{HIDDEN}</p>',
        f'<p id="secret">{HIDDEN}</p>',
    ],
)
def test_s41_text_that_nobody_can_see_is_not_read_and_somebody_is_told(written: str) -> None:
    rules = "<style>.cache { display: none } #secret { color: #fff }</style>"
    incoming = page(f"<p>Bonjour, 3 cartons de lait</p>{written}<p>Merci</p>", rules)
    assert HIDDEN not in " ".join(words(incoming))
    assert words(incoming)[:5] == ["Bonjour,", "3", "cartons", "de", "lait"]
    assert words(incoming)[-1] == "Merci"
    assert incoming.findings == ("mail_hides_text",)
    assert "mail_hides_text" in understand(incoming, today=date(2026, 11, 24)).findings


def test_s41_hidden_text_beside_plain_text_is_told_of_too() -> None:
    body = f"<p>3 cartons de lait</p><div style='display:none'>{HIDDEN}</div>"
    raw = b"Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\n3 cartons de lait\r\n--a\r\n"
    raw += b"Content-Type: text/html\r\n\r\n" + body.encode() + b"\r\n--a--\r\n"
    incoming = parse(raw, received_at=NOW)
    assert (incoming.text, incoming.findings) == ("3 cartons de lait", ("mail_hides_text",))


@pytest.mark.parametrize(
    "written",
    [
        '<table><tr style="background:#003366"><td style="color:#fff">3 cartons de lait</td></tr></table>',
        '<td bgcolor="#336699"><font color="white">3 cartons de lait</font></td>',
        '<div style="background:url(fond.png)"><span style="color:#fff">3 cartons de lait</span></div>',
        '<p style="font-size:8pt;color:#1F497D">3 cartons de lait</p>',
        '<p style="font-size:0.9em">3 cartons de lait</p>',
        '<p style="opacity:0.8;border-color:#fff">3 cartons de lait</p>',
        '<p class="mobile">3 cartons de lait</p>',
        '<div style="font-size:0"><span style="font-size:11pt">3 cartons de lait</span></div>',
        '<div style="color:#fff"><span style="color:#000">3 cartons de lait</span></div>',
    ],
)
def test_text_that_shows_is_read_and_nobody_is_troubled(written: str) -> None:
    rules = "<style>@media (max-width: 600px) { .mobile { display: none } }</style>"
    incoming = page(written, rules)
    assert words(incoming) == ["3", "cartons", "de", "lait"]
    assert incoming.findings == ()


def test_a_hidden_blank_or_a_tracking_picture_is_nothing_to_tell() -> None:
    incoming = page('<p>3 cartons</p><div style="display:none">&nbsp;&zwnj;</div><img style="display:none" src="x">')
    assert (incoming.text, incoming.findings) == ("3 cartons", ())


def test_lists_and_tables_keep_one_line_each() -> None:
    incoming = page(
        "<ul><li>3 cartons de lait</li><li>2 kg de <b>beurre</b> doux</li></ul><ol><li>un<li>deux</ol>"
        "<table><tr><th>Réf.<th>Qté</tr><tr><td><p>LAI-1</p></td><td><p>4</p></td></tr></table>"
    )
    lines = [line for line in incoming.text.split("\n") if line]
    assert lines == ["- 3 cartons de lait", "- 2 kg de beurre doux", "- un", "- deux", "Réf.\tQté", "LAI-1\t4"]


def test_an_empty_cell_keeps_its_place_in_the_row() -> None:
    incoming = page(
        "<table><tr><td>LAI-1</td><td></td><td>4</td></tr><tr><td>BEU-1</td><td>doux</td><td></td></tr></table>"
    )
    assert incoming.text.split("\n") == ["LAI-1\t\t4", "BEU-1\tdoux"]
