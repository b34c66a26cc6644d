"""The two pictures of the README, made from what a demo left behind: a card as its chat shows it, an invoice's page."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pypdfium2
from weasyprint import HTML

_PAGE = """<style>@page {{ size: 12cm {height}cm; margin: 0 }}
body {{ font: 9pt 'DejaVu Sans', sans-serif; background: #dfe7ee; margin: 0; padding: 14pt }}
.card {{ background: #fff; border-radius: 10pt; padding: 10pt 12pt; white-space: pre-wrap; line-height: 1.45 }}
.row {{ display: flex; gap: 4pt; margin-top: 5pt }}
.key {{ flex: 1; background: #8fa5b8; color: #fff; border-radius: 6pt; padding: 6pt; text-align: center }}</style>
<div class="card">{text}</div>{rows}"""


def pictures(demo: Path, folder: Path) -> list[Path]:
    """Write `card.png` (the sales agent's first draft with a point to treat) and `invoice.png` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = _card(demo / "chat" / "claire.jsonl")
    rows = "".join(
        f'<div class="row">{"".join(f"<div class=key>{html.escape(label)}</div>" for label in row)}</div>'
        for row in shown["buttons"]
    )
    page = HTML(string=_PAGE.format(height=12.2, text=_drawn(shown["text"]), rows=rows)).write_pdf()
    invoice = next(path for path in sorted((demo / "documents").glob("FA-*.pdf")))
    return [_png(page, folder / "card.png", 1.6), _png(invoice.read_bytes(), folder / "invoice.png", 1.1)]


#: A chat draws these signs as pictures; here they are letters of a font that every machine has.
SIGNS = {"\u2705": ("\u2714", "#2a8"), "\u26d4": ("\u2716", "#c33"), "\u26a0\ufe0f": ("\u26a0", "#c80")}


def _drawn(text: str) -> str:
    """The text with its signs as coloured letters."""
    drawn = html.escape(text)
    for sign, (letter, colour) in SIGNS.items():
        drawn = drawn.replace(sign, f'<b style="color: {colour}">{letter}</b>')
    return drawn


def _card(transcript: Path) -> dict[str, Any]:
    """The last message of the chat that is a draft with a point to treat, as it was sent."""
    events = [json.loads(line) for line in transcript.read_text("utf-8").splitlines()]
    sent = [
        event for event in events if event["kind"] == "message" and event.get("buttons") and "HB-990" in event["text"]
    ]
    return dict(sent[0])


def _png(pdf: bytes, target: Path, scale: float) -> Path:
    pypdfium2.PdfDocument(pdf)[0].render(scale=scale * 1.4).to_pil().save(target)
    return target
