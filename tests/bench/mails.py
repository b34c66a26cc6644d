"""How fast mails are parsed: an ordinary order mail of 47 kB in three parts, beside mail-parser alone on its bytes."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterator
from datetime import UTC, datetime

import mailparser

from intake.mime import parse
from tests.bench.measures import Row, timed

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LINES = 24
PDF_BYTES = 29_000

HEADERS = """\
Return-Path: <achats@client.example>
Delivered-To: commandes@fournisseur.example
Received: from mx.client.example (mx.client.example [192.0.2.7]) by mx.fournisseur.example (Postfix) with ESMTPS id 4F1
\tfor <commandes@fournisseur.example>; Tue, 24 Nov 2026 09:12:01 +0100 (CET)
Received: from poste12 ([198.51.100.4]) by mx.client.example with ESMTPA id 77; Tue, 24 Nov 2026 09:12:00 +0100
Authentication-Results: mx.fournisseur.example; dkim=pass header.d=client.example; dmarc=pass header.from=client.example
From: =?utf-8?q?Service_achats_=C3=89picerie_du_Port?= <achats@client.example>
To: Commandes <commandes@fournisseur.example>
Subject: =?utf-8?q?Commande_n=C2=B0_4471_pour_jeudi?=
Date: Tue, 24 Nov 2026 09:11:58 +0100
Message-ID: <4471.20261124@client.example>
In-Reply-To: <offre.331@fournisseur.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="dehors"
"""


def message() -> bytes:
    """An order as a mail program sends it: plain text, its page with a table, and the purchase order as a PDF."""
    rows = [(f"REF-{1200 + n}", f"Article n° {n} à livrer", f"{n + 1} cartons") for n in range(LINES)]
    text = "Bonjour,\n\nMerci de livrer jeudi :\n" + "".join(f"{c} x {a} ({b})\n" for a, b, c in rows)
    text += "\nCordialement,\nLe service achats\n\n"
    text += "Le lun. 23 nov. 2026 à 16:40, Commandes <c@fournisseur.example> a écrit :\n"
    text += "".join(f"> {b} reste à {n},50 € le carton\n" for n, (_, b, _) in enumerate(rows))
    cells = "".join(
        f"<tr><td class='c'>{a}</td><td style='color:#1F497D'>{b}</td><td>{c}</td></tr>\n" for a, b, c in rows
    )
    style = "<style>" + ".c { margin: 0; font-family: Calibri, sans-serif; }\n" * 20 + "</style>"
    page = f"<html><head>{style}</head><body><p>Bonjour,</p><table>{cells}</table><p>Cordialement</p></body></html>"
    pdf = base64.encodebytes(b"%PDF-1.7\n" + bytes(range(256)) * (PDF_BYTES // 256))
    parts = (
        b'Content-Type: multipart/alternative; boundary="dedans"\n\n'
        b"--dedans\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        + quopri.encodestring(text.encode())
        + b"\n--dedans\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        + quopri.encodestring(page.encode())
        + b"\n--dedans--\n",
        b"Content-Type: application/pdf; name=BC-4471.pdf\nContent-Transfer-Encoding: base64\n"
        b"Content-Disposition: attachment; filename=BC-4471.pdf\n\n" + pdf,
    )
    body = b"".join(b"--dehors\n" + part + b"\n" for part in parts) + b"--dehors--\n"
    return (HEADERS.encode() + b"\n" + body).replace(b"\n", b"\r\n")


def benches() -> Iterator[Row]:
    """How many mails a core parses in a second, our own reading of identity and parts included."""
    raw = message()
    found = timed(lambda _: parse(raw, received_at=NOW, trusted_authserv_id="mx.fournisseur.example"), range(400))
    plain = timed(lambda _: mailparser.parse_from_bytes(raw), range(400))
    yield Row(
        f"mails parsed, {len(raw) / 1000:.0f} kB in three parts", f"{1 / found.median:.0f}/s", ">= 450/s",
        f"{1 / found.p95:.0f}/s", found.median / plain.median, f"mail-parser alone, {1 / plain.median:.0f}/s",
    )  # fmt: skip
