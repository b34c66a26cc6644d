"""Raw mail to `Incoming`: what mail programs get wrong in the field, by the numbers of the reliability cases."""

from __future__ import annotations

import base64
import binascii
import io
import json
import quopri
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from intake.incoming import Address, Incoming
from intake.mime import MAX_DEPTH, canonical_hash, message_id, parse, safe_name

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PDF = b"%PDF-1.7\r\n" + bytes(range(256)) + b"\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
BOUNDARY = "limite"


def read(raw: bytes | str, **options: Any) -> Incoming:
    return parse(raw.encode() if isinstance(raw, str) else raw, received_at=NOW, **options)


def mail(body: bytes | str, *headers: str) -> bytes:
    head = "\r\n".join(["From: Client <cli@c.example>", "Subject: Commande", *headers])
    return head.encode("utf-8") + b"\r\n\r\n" + (body.encode() if isinstance(body, str) else body)


def parts(*each: bytes, kind: str = "mixed") -> bytes:
    body = b"".join(b"--limite\r\n" + part + b"\r\n" for part in each) + b"--limite--\r\n"
    return mail(body, "MIME-Version: 1.0", f"Content-Type: multipart/{kind}; boundary={BOUNDARY}")


def part(content: bytes | str, *headers: str) -> bytes:
    return "\r\n".join(headers).encode() + b"\r\n\r\n" + (content.encode() if isinstance(content, str) else content)


def encoded(content: bytes, *headers: str) -> bytes:
    return part(base64.encodebytes(content), "Content-Transfer-Encoding: base64", *headers)


# -- headers and charsets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "sender"),
    [
        ("Fabian <x@y.example", Address("x@y.example", "Fabian")),
        ("Fabian x@y.example>", Address("x@y.example", "Fabian")),
        ("x@y.example", Address("x@y.example")),
        ('"Dupont, Jean" <J.Dupont@Y.example>', Address("j.dupont@y.example", "Dupont, Jean")),
        ("=?utf-8?q?=C3=89picerie?= <x@y.example>", Address("x@y.example", "Épicerie")),
        ("Épicerie <x@y.example>", Address("x@y.example", "Épicerie")),
    ],
)
def test_e31_a_malformed_from_still_names_its_sender(written: str, sender: Address) -> None:
    assert read(f"From: {written}\r\n\r\n10 cartons").sender == sender


@pytest.mark.parametrize("written", ["", "personne", "<>", "undisclosed-recipients:;", '"'])
def test_e31_a_from_without_an_address_is_no_sender(written: str) -> None:
    assert read(f"From: {written}\r\n\r\n10 cartons").sender.email == ""


@pytest.mark.parametrize(
    "header",
    ['To: "', "To: (c):", "To: ,,;<>", "Cc: (", "Content-Type: text/plain; name*", "Content-Type: ;;;", "Date: "],
)
def test_e32_headers_that_crash_parsers_do_not_crash_us(header: str) -> None:
    incoming = read(mail("10 cartons", header))
    assert incoming.text == "10 cartons"
    assert incoming.sender.email == "cli@c.example"


def test_e33_the_message_id_of_exchange_is_kept() -> None:
    written = "<[0123456789abcdef@microsoft.com]>"
    assert read(mail("", f"Message-ID: {written}")).message_id == written
    assert read(mail("", f"In-Reply-To: {written}")).in_reply_to == (written,)


def test_e34_a_trailing_comma_does_not_hide_the_recipient() -> None:
    assert read(mail("", "To: cde@f.example", "Cc: a@b.example,")).recipients == (
        Address("cde@f.example"),
        Address("a@b.example"),
    )


@pytest.mark.parametrize("date", ["x" * 180, "Mon, 1 Jan 0001 00:00:00 +0000", "Tue, 99 Nov 2026", ""])
def test_e35_an_absurd_date_gives_way_to_the_servers(date: str) -> None:
    incoming = read(mail("10 cartons", f"Date: {date}"))
    assert incoming.received_at == NOW
    assert incoming.text == "10 cartons"


def test_e35_a_mail_without_date_and_message_id_has_the_servers_date_and_no_identifier() -> None:
    incoming = read(mail("10 cartons"))
    assert (incoming.received_at, incoming.message_id, incoming.in_reply_to) == (NOW, "", ())


PRICES = "12 caisses de pâté à 3,50 € — l\u2019œuf"


@pytest.mark.parametrize("declared", ["utf-8", "us-ascii", "iso-8859-1", "windows-1252", ""])
@pytest.mark.parametrize("actual", ["utf-8", "cp1252"])
def test_e36_a_falsely_labelled_charset_loses_no_euro_sign(declared: str, actual: str) -> None:
    label = [f"Content-Type: text/plain; charset={declared}"] if declared else []
    assert read(mail(PRICES.encode(actual), *label, "Content-Transfer-Encoding: 8bit")).text == PRICES
    quoted = quopri.encodestring(PRICES.encode(actual))
    assert read(mail(quoted, *label, "Content-Transfer-Encoding: quoted-printable")).text == PRICES


def test_e36_one_bad_byte_does_not_spoil_the_rest() -> None:
    body = "pâté à 3 €".encode() + b" \x80 \x9c"
    assert read(mail(body, "Content-Type: text/plain; charset=utf-8")).text == "pâté à 3 € € œ"


def test_e36_a_charset_that_is_right_is_believed() -> None:
    body = "цена 3 €".encode("utf-16")
    raw = mail(
        base64.encodebytes(body), "Content-Type: text/plain; charset=utf-16", "Content-Transfer-Encoding: base64"
    )
    assert read(raw).text == "цена 3 €"
    body = "Ceník — 3,50 Kč".encode("cp1250")
    assert read(mail(body, "Content-Type: text/plain; charset=windows-1250")).text == "Ceník — 3,50 Kč"


@pytest.mark.parametrize(
    "charset", ["x-unknown", '""', "''", "hex", "rot13", "unicode_escape", "idna", "été", "utf-8\r\n x"]
)
def test_e37_an_unknown_charset_leaves_the_body_readable(charset: str) -> None:
    assert read(mail(PRICES, f"Content-Type: text/plain; charset={charset}")).text == PRICES


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        ("Commande été".encode(), "Commande été"),
        ("Commande été à 3 €".encode("cp1252"), "Commande été à 3 €"),
        (b"=?iso-8859-1?q?Commande_=E9t=E9?=", "Commande été"),
        (b"=?utf-8?b?Q29tbWFuZGUgw6k=?= =?utf-8?b?dMOp?=", "Commande été"),
        (b"=?utf-8?q?Commande_=C3?= =?utf-8?q?=A9t=C3=A9?=", "Commande été"),
        (b"=?utf-8?q?Commande_=E9t=E9?=", "Commande été"),
        (b"=?x-unknown?q?Commande_=C3=A9t=C3=A9?=", "Commande été"),
        (b"=?windows-1252?Q?3_=80?=", "3 €"),
        (b"Re: =?utf-8?q?=C3=A9t=C3=A9?=\r\n =?utf-8?q?_2026?= suite", "Re: été 2026 suite"),
        (b"folded\r\n\tsubject", "folded subject"),
    ],
)
def test_a_subject_reads_as_it_was_written(raw: bytes, subject: str) -> None:
    assert read(b"Subject: " + raw + b"\r\n\r\n").subject == subject


def test_e38_a_file_name_in_the_wrong_charset_is_repaired() -> None:
    raw = parts(encoded(PDF, "Content-Disposition: attachment; filename*=\"us-ascii''W%F6lbung.pdf\""))
    (attachment,) = read(raw).attachments
    assert (attachment.name, attachment.content) == ("Wölbung.pdf", PDF)


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("filename*=utf-8''bon%20de%20commande%20n%C2%B0%2012.pdf", "bon de commande n° 12.pdf"),
        ("filename*0*=utf-8''bon%20; filename*1=de; filename*2*=%20commande.pdf", "bon de commande.pdf"),
        ('filename="=?utf-8?q?commande_=C3=A9t=C3=A9=2Epdf?="', "commande été.pdf"),
        ('filename="commande été.pdf"', "commande été.pdf"),
        ('filename="заказ.pdf"', "заказ.pdf"),
        ('filename="a;b=c.pdf"', "a;b=c.pdf"),
        ("filename=commande.pdf", "commande.pdf"),
        ('filename="guillemet', "guillemet"),
    ],
)
def test_e49_file_names_of_every_writing(parameter: str, name: str) -> None:
    (attachment,) = read(parts(encoded(PDF, f"Content-Disposition: attachment; {parameter}"))).attachments
    assert attachment.name == name


def test_e49_a_raw_8_bit_file_name() -> None:
    head = 'Content-Disposition: attachment; filename="été.pdf"'.encode("cp1252")
    raw = parts(head + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(PDF))
    assert read(raw).attachments[0].name == "été.pdf"


def test_e39_a_bad_charset_in_an_attachment_does_not_hide_the_thread() -> None:
    raw = parts(part("10 cartons"), part(b"\xff\xfe\x81", "Content-Type: text/csv; charset=x-broken; name=a.csv"))
    incoming = read(raw.replace(b"Subject:", b"In-Reply-To: <a@b>\r\nSubject:", 1))
    assert incoming.in_reply_to == ("<a@b>",)
    assert incoming.attachments[0].content == b"\xff\xfe\x81"


def test_e40_headers_with_the_names_of_our_tools() -> None:
    odd = [
        *("Headers: un", "Headers_json: deux", "Parse: trois", "Attachments: quatre", "Defects: cinq"),
        *("Received: from x by y id abc-by; nonsense", "Received: ", "Message-ID: <a-by@x>"),
    ]
    incoming = read(mail("10 cartons", *odd))
    assert (incoming.text, incoming.message_id) == ("10 cartons", "<a-by@x>")
    assert [incoming.headers[name] for name in ("headers", "headers_json", "parse")] == ["un", "deux", "trois"]


def test_e41_a_body_without_a_blank_line_before_it_is_kept() -> None:
    incoming = read(b"From: cli@c.example\r\nSubject: Commande\r\nBonjour, 10 cartons REF-1200 svp\r\nMerci\r\n")
    assert incoming.text == "Bonjour, 10 cartons REF-1200 svp\nMerci"
    assert incoming.sender.email == "cli@c.example"


def test_e09_a_message_id_is_the_same_however_it_was_folded() -> None:
    written = ["<a.b@c.example>", "  <a.b@c.example> ", "\r\n <a.b@c.example>", "<a.b@\r\n c.example>", "a.b@c.example"]
    raws = [mail("", f"Message-ID: {one}") for one in written]
    assert {read(raw).message_id for raw in raws} == {message_id(raw) for raw in raws} == {"<a.b@c.example>"}


@pytest.mark.parametrize("header", ["Message-ID:", "Message-ID: <>", "Message-ID: \t "])
def test_e08_an_empty_message_id_is_none(header: str) -> None:
    assert (read(mail("", header)).message_id, message_id(mail("", header))) == ("", "")


def test_nul_and_lone_surrogates_never_reach_the_database() -> None:
    body = base64.encodebytes(b"10\x00 cartons" + b"\xed\xa0\x80")
    incoming = read(mail(body, "Content-Transfer-Encoding: base64", "X-Odd: a\x00b"))
    for text in (incoming.text, *incoming.headers.values()):
        assert "\x00" not in text
        text.encode("utf-8")
    assert incoming.text.startswith("10 cartons")


def test_recipients_are_those_written_and_those_for_whom_a_server_took_it() -> None:
    headers = ["To: Ventes <ventes@f.example>", "Delivered-To: cde+abc@f.example", "X-Original-To: cde@f.example"]
    found = [address.email for address in read(mail("", *headers)).recipients]
    assert found == ["ventes@f.example", "cde+abc@f.example", "cde@f.example"]


def test_in_reply_to_holds_the_whole_thread_once() -> None:
    headers = ["In-Reply-To: <b@x>", "References: <a@x>\r\n <b@x>\t<c@\r\n x>"]
    assert read(mail("", *headers)).in_reply_to == ("<b@x>", "<a@x>", "<c@x>")


@pytest.mark.parametrize("declared", ["multipart/mixed", "multipart/mixed; boundary=autre", "multipart/alternative;"])
def test_parts_are_found_by_their_lines_where_the_header_names_no_boundary_or_another(declared: str) -> None:
    body = "--limite\r\nContent-Type: text/plain\r\n\r\n10 cartons\r\n--limite\r\n"
    body += f"Content-Type: application/pdf; name=bon.pdf\r\n\r\n{PDF.decode('latin-1')}\r\n--limite--\r\n"
    incoming = read(mail(body.encode("latin-1"), f"Content-Type: {declared}"))
    assert incoming.text == "10 cartons"
    assert [attachment.media_type for attachment in incoming.attachments] == ["application/pdf"]


def test_a_multipart_without_any_part_is_the_text_that_it_is() -> None:
    assert read(mail("10 cartons -- merci", "Content-Type: multipart/mixed; boundary=x")).text == "10 cartons -- merci"


# -- attachments -------------------------------------------------------------------------------------------------------


def test_e42_a_pdf_that_apple_mail_shows_inline_is_a_document() -> None:
    inline = encoded(
        PDF, "Content-Type: application/pdf; name=bon.pdf", "Content-Disposition: inline; filename=bon.pdf"
    )
    incoming = read(parts(part("Voici", "Content-Type: text/plain"), inline, part("Merci", "Content-Type: text/plain")))
    (attachment,) = incoming.attachments
    assert (attachment.name, attachment.media_type, attachment.inline) == ("bon.pdf", "application/pdf", False)
    assert incoming.text == "Voici\nMerci"


def test_e43_an_attachment_without_a_name_is_kept_with_the_type_that_its_bytes_show() -> None:
    raw = parts(encoded(PDF, "Content-Type: application/octet-stream", "Content-Disposition: attachment"))
    (attachment,) = read(raw).attachments
    assert (attachment.name, attachment.media_type, attachment.content) == ("document-1.pdf", "application/pdf", PDF)
    assert read(raw) == read(raw)


def test_e43_a_mail_that_is_nothing_but_a_pdf() -> None:
    raw = mail(base64.encodebytes(PDF), "Content-Type: application/pdf", "Content-Transfer-Encoding: base64")
    incoming = read(raw)
    assert (incoming.text, incoming.attachments[0].content) == ("", PDF)


@pytest.mark.parametrize(
    ("content", "declared", "name", "media_type"),
    [
        (PDF, "image/png", "x.png", "application/pdf"),
        (PNG, "application/pdf", "x.pdf", "image/png"),
        (b"REF;QTE\nREF-1;10\n", "application/octet-stream", "commande.csv", "text/csv"),
        (b"REF;QTE\nREF-1;10\n", "application/vnd.ms-excel", "commande.csv", "text/csv"),
        (b"UNA:+.? 'UNB+UNOC:3", "text/plain", "x.txt", "application/edifact"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Order/>", "text/plain", "", "application/xml"),
        (b"10 cartons", "application/octet-stream", "", "text/plain"),
        (b"\x00\x01\x02", "application/octet-stream", "", "application/octet-stream"),
        (b"\x00\x01\x02", "application/pdf", "x.pdf", "application/octet-stream"),
        (b"BMW 10 cartons", "text/plain", "x.txt", "text/plain"),
        (b"\x78\x9f\x3e\x22rest", "application/octet-stream", "winmail.dat", "application/ms-tnef"),
    ],
)
def test_the_type_of_an_attachment_is_what_its_bytes_show(
    content: bytes, declared: str, name: str, media_type: str
) -> None:
    raw = parts(encoded(content, f"Content-Type: {declared}", f'Content-Disposition: attachment; filename="{name}"'))
    assert read(raw).attachments[0].media_type == media_type


def test_e44_pictures_of_the_page_are_inline_and_a_photo_of_an_order_is_not() -> None:
    page = part('<p>10 cartons <img src="cid:logo@x"></p>', "Content-Type: text/html")
    logo = encoded(
        PNG, "Content-Type: image/png", "Content-ID: <logo@x>", "Content-Disposition: inline; filename=l.png"
    )
    photo = encoded(PNG, "Content-Type: image/png", "Content-Disposition: inline; filename=photo.png")
    incoming = read(parts(page, logo, photo))
    assert [(a.name, a.inline) for a in incoming.attachments] == [("l.png", True), ("photo.png", False)]


def picture(width: int, height: int, kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG"])
def test_e44_a_logo_that_nothing_refers_to_is_no_page_of_an_order_and_a_photo_is(kind: str) -> None:
    logo = encoded(picture(300, 60, kind), f"Content-Type: image/{kind.lower()}; name=image001")
    photo = encoded(picture(900, 1200, kind), f"Content-Type: image/{kind.lower()}; name=photo")
    broken = encoded(picture(300, 60, kind)[:9], f"Content-Type: image/{kind.lower()}; name=coupe")
    incoming = read(parts(part("10 cartons"), logo, photo, broken))
    assert [(a.name, a.inline) for a in incoming.attachments] == [
        ("image001", True), ("photo", False), ("coupe", False)
    ]  # fmt: skip


def nested(levels: int, leaf: bytes) -> bytes:
    for level in range(levels):
        head = f"From: niveau{level}@c.example\r\nSubject: niveau {level}\r\nMIME-Version: 1.0\r\n"
        head += f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n\r\nvoir ci-joint\r\n"
        inner = f"--b{level}\r\nContent-Type: message/rfc822\r\n\r\n".encode() + leaf + f"\r\n--b{level}--\r\n".encode()
        leaf = head.encode() + inner
    return leaf


def everything(incoming: Incoming) -> list[Incoming]:
    return [incoming, *(deeper for inner in incoming.forwarded for deeper in everything(inner))]


def test_e46_an_order_in_a_mail_in_a_mail_in_a_mail_is_found_once() -> None:
    order = parts(
        part("10 cartons REF-1200", "Content-Type: text/plain"), encoded(PDF, "Content-Type: application/pdf")
    )
    found = everything(read(nested(3, order)))
    assert [one.sender.email for one in found] == [f"niveau{n}@c.example" for n in (2, 1, 0)] + ["cli@c.example"]
    assert [one.text for one in found].count("10 cartons REF-1200") == 1
    assert sum("10 cartons" in f"{one.text}{one.quoted}" for one in found) == 1
    assert [len(one.attachments) for one in found] == [0, 0, 0, 1]


def test_e46_below_the_last_depth_an_inner_mail_stays_an_attachment() -> None:
    found = everything(read(nested(MAX_DEPTH + 3, mail("10 cartons"))))
    assert len(found) == MAX_DEPTH + 1
    (deepest,) = found[-1].attachments
    assert deepest.media_type == "message/rfc822"
    assert b"10 cartons" in deepest.content


def test_e46_an_eml_file_is_an_inner_mail_however_it_is_wrapped() -> None:
    inner = mail("10 cartons", "Message-ID: <dedans@x>")
    as_file = encoded(inner, "Content-Type: application/octet-stream; name=commande.eml")
    as_base64 = encoded(inner, "Content-Type: message/rfc822; name=commande.eml")
    for wrapped in (as_file, as_base64, part(inner, "Content-Type: message/rfc822")):
        incoming = read(parts(part("voir ci-joint"), wrapped))
        assert [(one.message_id, one.text) for one in incoming.forwarded] == [("<dedans@x>", "10 cartons")]
        assert incoming.attachments == ()


def test_s29_an_outlook_file_is_an_attachment_and_no_program_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", started)
    outlook = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64) + "__properties_version1.0".encode("utf-16-le")
    incoming = read(parts(part("voir"), encoded(outlook, "Content-Type: application/octet-stream; name=x.msg")))
    (attachment,) = incoming.attachments
    assert (attachment.media_type, attachment.content) == ("application/vnd.ms-outlook", outlook)


def test_what_a_bounce_returns_is_not_a_forward() -> None:
    raw = parts(
        part("Votre message n'a pas pu être remis."),
        part(
            "Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; a@b\r\nStatus: 5.1.1",
            "Content-Type: message/delivery-status",
        ),
        part(mail("10 cartons"), "Content-Type: message/rfc822"),
        kind="report",
    )
    incoming = read(raw)
    assert incoming.forwarded == ()
    assert [a.media_type for a in incoming.attachments] == ["message/delivery-status", "message/rfc822"]
    assert b"Status: 5.1.1" in incoming.attachments[0].content


def uu(content: bytes, name: str = "bon.pdf") -> bytes:
    lines = [binascii.b2a_uu(content[i : i + 45]) for i in range(0, len(content), 45)]
    return f"begin 644 {name}\n".encode() + b"".join(lines) + b"`\nend\n"


def test_e47_a_uuencoded_part_keeps_its_bytes() -> None:
    head = ["Content-Type: application/pdf; name=bon.pdf", "Content-Transfer-Encoding: x-uuencode"]
    (attachment,) = read(parts(part(uu(PDF), *head))).attachments
    assert (attachment.name, attachment.content) == ("bon.pdf", PDF)


def test_e47_a_file_uuencoded_in_the_text_keeps_its_bytes_and_the_text_its_lines() -> None:
    incoming = read(mail(b"Bonjour,\n" + uu(PDF) + b"begin 5 cartons\nMerci\n"))
    (attachment,) = incoming.attachments
    assert (attachment.name, attachment.media_type, attachment.content) == ("bon.pdf", "application/pdf", PDF)
    assert incoming.text.split() == ["Bonjour,", "begin", "5", "cartons", "Merci"]


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("../../etc/x.pdf", "x.pdf"),
        ("C:\\Users\\jean\\bon.pdf", "bon.pdf"),
        ("bon\x00.pdf", "bon.pdf"),
        ("bon\r\nX-Evil: 1.pdf", "bon X-Evil_ 1.pdf"),
        ("commande\u202efdp.exe", "commandefdp.exe"),
        ("..", "document-1.pdf"),
        ("", "document-1.pdf"),
        ("/", "document-1.pdf"),
        ("   ", "document-1.pdf"),
        (".htaccess", "htaccess"),
        ("a" * 300 + ".pdf", "a" * 116 + ".pdf"),
        ("bon <de> commande?.pdf", "bon _de_ commande_.pdf"),
        ("bon de commande n° 12 (été).pdf", "bon de commande n° 12 (été).pdf"),
    ],
)
def test_e48_a_file_name_is_safe_to_show_and_to_store_under(written: str, safe: str) -> None:
    assert safe_name(written, "application/pdf", 1) == safe


@given(st.text())
def test_e48_no_file_name_at_all_is_a_path(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert len(safe) <= 120
    assert safe == Path(safe).name
    assert safe.isprintable()
    assert safe_name(safe) == safe


# -- text --------------------------------------------------------------------------------------------------------------

TABLE = """<html><head><style>p {color: red}</style></head><body><p>Bonjour,</p>
<table><tr><th>R&eacute;f</th><th>Qt&eacute;</th><th>Prix</th></tr>
<tr><td>REF-1200</td><td>10</td><td>3,50&nbsp;&euro;</td></tr><tr><td>REF-1300</td><td> 5 </td><td>2 €</td></tr></table>
<p>Merci<br>Jean</p><div style="display:none">cach&eacute;</div></body></html>"""
ROWS = ["Réf\tQté\tPrix", "REF-1200\t10\t3,50\u00a0€", "REF-1300\t5\t2 €"]


def test_an_html_only_mail_keeps_each_row_of_its_table_on_one_line() -> None:
    lines = read(mail(TABLE, "Content-Type: text/html; charset=utf-8")).text.split("\n")
    assert [line for line in lines if "\t" in line] == ROWS
    assert [line for line in lines if line and "\t" not in line] == ["Bonjour,", "Merci", "Jean"]


def test_a_plain_alternative_that_broke_the_rows_gives_way_to_the_page() -> None:
    broken = "Bonjour,\n\nRéf\n\nQté\n\nPrix\n\nREF-1200\n\n10\n\n3,50 €\n\nREF-1300\n\n5\n\n2 €\n\nMerci\nJean\n"
    whole = "Bonjour,\n\nRéf Qté Prix\nREF-1200 10 3,50\u00a0€\nREF-1300 5 2 €\n\nMerci\nJean"
    html = part(TABLE, "Content-Type: text/html; charset=utf-8")
    for plain, rows in ((broken, 3), (whole, 0)):
        raw = parts(part(plain, "Content-Type: text/plain; charset=utf-8"), html, kind="alternative")
        assert read(raw).text.count("\t") == rows * 2
    assert "REF-1200" in read(raw).html


def test_a_table_that_only_lays_out_the_page_keeps_its_lines() -> None:
    page = "<table><tr><td><p>Bonjour</p><p>10 cartons</p></td></tr>"
    page += "<tr><td><table><tr><td>a</td><td>b</td></tr></table></td></tr></table>"
    lines = read(mail(page, "Content-Type: text/html")).text.split("\n")
    assert [line for line in lines if line] == ["Bonjour", "10 cartons", "a\tb"]


def test_an_empty_plain_alternative_gives_way_to_the_page() -> None:
    raw = parts(
        part(" \r\n", "Content-Type: text/plain"), part("<p>10 cartons", "Content-Type: text/html"), kind="alternative"
    )
    assert read(raw).text == "10 cartons"


def test_a_citation_in_a_page_is_quoted() -> None:
    page = "<p>5 palettes</p><div>Le mar. 24 nov. 2026 à 09:12, F &lt;c@f.example&gt; a écrit :</div>"
    page += "<blockquote>4 cartons<br>REF-1200<blockquote>plus ancien</blockquote></blockquote>"
    incoming = read(mail(page, "Content-Type: text/html; charset=utf-8"))
    assert incoming.text == "5 palettes"
    assert [line for line in incoming.quoted.split("\n") if line][1:] == ["> 4 cartons", "> REF-1200", ">> plus ancien"]


def test_flowed_text_is_joined_and_keeps_its_citation_depth() -> None:
    body = "10 cartons \r\nde REF-1200\r\n> vieux \r\n> texte\r\n>> plus vieux\r\n-- \r\nJean\r\n"
    incoming = read(mail(body, "Content-Type: text/plain; format=flowed", "In-Reply-To: <a@b>"))
    assert incoming.text.split("\n")[0] == "10 cartons de REF-1200"
    assert incoming.quoted.split("\n") == ["> vieux texte", ">> plus vieux"]


EXPECTED = "mail-french-replies/expected.json"


def test_e59_french_replies_lose_no_order_line_and_repeat_none(shared_case: Callable[[str], Path]) -> None:
    file = shared_case(EXPECTED)
    for name, expected in json.loads(file.read_text()).items():
        incoming = read(mail((file.parent / f"{name}.txt").read_bytes(), "Content-Type: text/plain; charset=utf-8"))
        ordered = [line for one in everything(incoming) for line in one.text.split("\n")]
        for wanted in expected["ordered"]:
            words = [word for word in wanted.split() if word != "de"]
            assert any(all(word in line for word in words) for line in ordered), (name, wanted)
        if name != "signature_phone":  # a signature stays in the text, for the reader to judge
            for unwanted in expected["must_not_be_ordered"]:
                assert not any(unwanted in line for line in ordered), (name, unwanted)


def test_e60_a_forward_in_the_text_is_an_inner_mail_with_its_own_sender() -> None:
    body = "Pour traitement\n\n---------- Forwarded message ---------\nDe : Client <cli@c.example>\n"
    body += "Date: mar. 24 nov. 2026 à 08:00\nSubject: Commande\nTo: <jean@f.example>\n\n7 cartons REF-3\n"
    incoming = read(mail(body, "Content-Type: text/plain; charset=utf-8"))
    (inner,) = incoming.forwarded
    assert incoming.text == "Pour traitement"
    assert (inner.sender, inner.subject, inner.text) == (
        Address("cli@c.example", "Client"),
        "Commande",
        "7 cartons REF-3",
    )
    assert inner.authentication == "C"


HEADERS = (
    "De : Client <cli@c.example>\nEnvoyé : mardi 24 novembre 2026 08:00\nÀ : Jean\nObjet : Commande\n\n7 cartons REF-3"
)


def test_e60_the_same_header_lines_are_a_forward_under_tr_and_a_citation_under_re() -> None:
    forward = read(mail(f"Pour traitement\n\n{HEADERS}").replace(b"Subject: ", b"Subject: TR: "))
    reply = read(mail(f"Pour traitement\n\n{HEADERS}").replace(b"Subject: ", b"Subject: RE: "))
    assert [one.text for one in everything(forward)] == ["Pour traitement", "7 cartons REF-3"]
    assert [one.text for one in everything(reply)] == ["Pour traitement"]
    assert "7 cartons REF-3" in reply.quoted


def test_bullets_written_with_the_sign_of_citations_are_new_text() -> None:
    incoming = read(mail("Bonjour,\n> 10 cartons REF-1\n> 5 cartons REF-2\nMerci"))
    assert incoming.quoted == ""
    assert "> 10 cartons REF-1" in incoming.text


MARKERS = [
    *(
        "",
        "Bonjour",
        "> ancien",
        ">> plus ancien",
        "10 cartons REF-1",
        "-- ",
        "Le camion passera jeudi.",
        "____________",
    ),
    *("Le mar. 24 nov. 2026 à 09:12, F <c@f.example> a écrit :", "Le 24/11, F", "a écrit :", "On 1 Jan, x wrote:"),
    *("De : F <c@f.example>", "Envoyé : mardi", "À : C", "Objet : RE", "Objet :", "Cc : a@b.example", "De : moi"),
    *(
        "---------- Forwarded message ---------",
        "-----Message d'origine-----",
        "Début du message transféré :",
        "> De : x",
    ),
]


@given(st.lists(st.sampled_from(MARKERS), max_size=14), st.sampled_from(["Commande", "RE: x", "TR: x"]), st.booleans())
def test_whatever_is_cited_or_forwarded_no_line_is_lost(lines: list[str], subject: str, answers: bool) -> None:
    headers = ["Content-Type: text/plain; charset=utf-8", *(["In-Reply-To: <a@b>"] if answers else [])]
    incoming = read(mail("\n".join(lines), *headers).replace(b"Subject: Commande", f"Subject: {subject}".encode()))
    kept = sorted(word for one in everything(incoming) for word in f"{one.text} {one.quoted}".replace(">", " ").split())
    assert kept == sorted(word for line in lines for word in line.replace(">", " ").split())


# -- one mail, one hash ------------------------------------------------------------------------------------------------

ORDER = mail("10 cartons REF-1200\r\n", "To: a@f.example, b@f.example", "Date: Tue, 24 Nov 2026 10:00:00 +0100")


def test_e08_a_mail_without_message_id_has_the_same_hash_each_time_it_is_fetched() -> None:
    assert canonical_hash(ORDER) == canonical_hash(ORDER)
    assert canonical_hash(ORDER) == canonical_hash(ORDER.replace(b"\r\n", b"\n") + b"\n\n")


def test_e11_the_same_mail_in_two_boxes_has_one_hash() -> None:
    one = b"Return-Path: <cli@c.example>\r\nDelivered-To: a@f.example\r\nReceived: by mx1; 10:00\r\n" + ORDER
    two = (
        b"X-Original-To: b@f.example\r\nAuthentication-Results: mx; spf=pass\r\nDKIM-Signature: a=b;\r\n c=d\r\n"
        + ORDER
    )
    folded = ORDER.replace(b"To: a@f.example, b", b"To: a@f.example,\r\n b")
    assert len({canonical_hash(raw) for raw in (ORDER, one, two, folded)}) == 1


@pytest.mark.parametrize("change", [(b"10 cartons", b"11 cartons"), (b"Commande", b"Autre"), (b"+0100", b"+0000")])
def test_e07_another_content_is_another_hash(change: tuple[bytes, bytes]) -> None:
    with_id = ORDER.replace(b"To:", b"Message-ID: <meme@x>\r\nTo:", 1)
    other = with_id.replace(*change)
    assert message_id(with_id) == message_id(other) == "<meme@x>"
    assert canonical_hash(with_id) != canonical_hash(other)


# -- nothing escapes ---------------------------------------------------------------------------------------------------


def checked(raw: bytes) -> None:
    incoming = read(raw)
    canonical_hash(raw)
    message_id(raw)
    for one in everything(incoming):
        for text in (
            one.text,
            one.quoted,
            one.html,
            one.subject,
            one.sender.email,
            *one.headers,
            *one.headers.values(),
        ):
            assert "\x00" not in text
            text.encode("utf-8")


FRAGMENTS = [
    *(b"From: ", b"To: ", b"Subject: ", b"Message-ID: ", b"Content-Type: ", b"Content-Disposition: ", b"Received: "),
    *(b"Content-Transfer-Encoding: ", b"Date: ", b"multipart/mixed; boundary=a", b"multipart/alternative; boundary=a"),
    *(b"message/rfc822", b"text/html", b"text/plain; charset=utf-16", b"base64", b"quoted-printable", b"x-uuencode"),
    *(
        b"--a\r\n",
        b"--a--\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"=?utf-8?q?=ff?=",
        b"=?",
        b"?=",
        b"<a@b>",
        b'"',
        b"(",
        b"[",
        b"\\",
    ),
    *(b"filename*0*=utf-8''%ff", b"attachment; ", b"<table><tr><td>x", b"<blockquote>", b"begin 644 a\n", b"> "),
    *(b"\x00", b"\xff\xfe", b"\xc3", b"=E9", b";charset*0*=x''y", b"charset=", b"name*", b"message/delivery-status"),
]


@given(st.binary(max_size=400))
def test_no_bytes_at_all_make_the_parse_fail(raw: bytes) -> None:
    checked(raw)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join))
def test_no_mixture_of_mail_syntax_makes_the_parse_fail(raw: bytes) -> None:
    checked(raw)


@pytest.mark.parametrize("kind", ["multipart/mixed", "message/rfc822"])
def test_a_mail_nested_a_thousand_times_is_still_shown_to_somebody(kind: str) -> None:
    raw = b"From: cli@c.example\r\nSubject: abime\r\n"
    for level in range(1500):
        raw += f"Content-Type: {kind}; boundary=b{level}\r\n\r\n".encode()
        raw += f"--b{level}\r\n".encode() if kind.startswith("multipart") else b""
    incoming = read(raw + b"\r\n10 cartons")
    assert incoming.sender.email == "cli@c.example"
    assert incoming.subject == "abime"


FOLDERS = ["mail-mime-tools", "mail-cpython-email", "mail-bounces", "mail-reply-talon", "emails-decisions"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_captured_mails_pass_through(folder: str, shared_case: Callable[[str], Path]) -> None:
    files = [file for file in sorted(shared_case(folder).rglob("*")) if file.is_file()]
    assert files
    for file in files:
        checked(file.read_bytes())


@pytest.mark.parametrize(
    "client", ["gmail", "apple_mail", "outlook_2013", "outlook_2019", "thunderbird", "yahoo", "hubspot"]
)
def test_e60_forwards_of_every_mail_program_in_french(client: str, shared_case: Callable[[str], Path]) -> None:
    files = sorted(shared_case("mail-forward-crisp/fixtures").glob(f"*{client}*_fr_*body.txt"))
    for file in files:
        message = EmailMessage()
        message["Subject"] = "TR: Integer consequat non purus"
        message.set_content(file.read_text(encoding="utf-8"))
        (inner,) = read(message.as_bytes()).forwarded
        assert inner.sender.email == "john.doe@acme.com", file.name
        assert inner.text.strip().startswith("Aenean quis diam urna."), file.name
