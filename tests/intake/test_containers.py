"""What comes wrapped: Outlook's `winmail.dat`, signed and encrypted mail, registered mail, files that may do harm."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.incoming import Incoming
from intake.mime import parse
from intake.mime.signed import content_of
from intake.mime.tnef import opened
from intake.reading import Kind
from intake.reading import read as understand

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PDF = b"%PDF-1.7\r\n" + bytes(range(256)) + b"\n%%EOF\n"
CSV = "Référence;Quantité\nREF-1200;10\n".encode()


def read(raw: bytes) -> Incoming:
    return parse(raw, received_at=NOW)


def mail(*parts: tuple[str, bytes], kind: str = "multipart/mixed") -> bytes:
    """A mail of these parts, each with its header lines."""
    head = f"From: cli@c.example\r\nSubject: Commande\r\nContent-Type: {kind}; boundary=limite\r\n\r\n".encode()
    body = b"".join(b"--limite\r\n" + headers.encode() + b"\r\n\r\n" + content + b"\r\n" for headers, content in parts)
    return head + body + b"--limite--\r\n"


def encoded(content: bytes, *headers: str) -> tuple[str, bytes]:
    return "\r\n".join(("Content-Transfer-Encoding: base64", *headers)), base64.encodebytes(content)


TEXT = "Content-Type: text/plain; charset=utf-8"

# -- winmail.dat -------------------------------------------------------------------------------------------------------


def attribute(level: int, identifier: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, identifier, len(data)) + data + struct.pack("<H", sum(data) % 65536)


def properties(*values: tuple[int, int, bytes]) -> bytes:
    """Properties of one value each: its type, its identifier, its bytes padded to four."""
    out = struct.pack("<I", len(values))
    for kind, identifier, data in values:
        out += struct.pack("<HHII", kind, identifier, 1, len(data)) + data + bytes(-len(data) % 4)
    return out


def tnef(*files: tuple[str, bytes], body: bytes = b"", page: bytes = b"") -> bytes:
    out = struct.pack("<IH", 0x223E9F78, 1)
    out += attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    out += attribute(1, 0x0002800C, body + b"\x00") if body else b""
    out += attribute(1, 0x00069003, properties((0x102, 0x1013, page))) if page else b""
    for name, content in files:
        out += attribute(2, 0x00069002, bytes(14))
        out += attribute(2, 0x00018010, b"BONDEC~1.PDF\x00")
        out += attribute(2, 0x0006800F, content)
        out += attribute(2, 0x00069005, properties((0x1F, 0x3707, name.encode("utf-16-le") + b"\x00\x00")))
    return out


def outlook(content: bytes, text: bytes = b"Voir ci-joint") -> Incoming:
    wrapped = encoded(content, "Content-Type: application/ms-tnef; name=winmail.dat")
    return read(mail((TEXT, text), wrapped))


def test_e45_the_pdf_inside_a_winmail_dat_is_an_attachment_by_its_whole_name() -> None:
    incoming = outlook(tnef(("bon de commande n° 12.pdf", PDF), ("liste.csv", CSV)))
    assert [(a.name, a.media_type, a.content) for a in incoming.attachments] == [
        ("bon de commande n° 12.pdf", "application/pdf", PDF),
        ("liste.csv", "text/csv", CSV),
    ]
    assert incoming.text == "Voir ci-joint"


def test_e45_the_order_in_a_winmail_dat_is_read() -> None:
    (line,) = understand(outlook(tnef(("liste.csv", CSV))), today=date(2026, 11, 24)).lines
    assert (line.codes, line.quantity) == (("REF-1200",), 10)


def test_e45_a_mail_whose_text_is_only_in_the_winmail_dat_keeps_it() -> None:
    incoming = outlook(tnef(body="12 caisses à 3,50 €".encode("cp1252")), text=b"")
    assert (incoming.text, incoming.attachments) == ("12 caisses à 3,50 €", ())
    assert outlook(tnef(page=b"<p>10 cartons</p>"), text=b"").text == "10 cartons"
    assert outlook(tnef(body=b"encore"), text=b"Voir ci-joint").text == "Voir ci-joint"


def test_e45_a_winmail_dat_that_holds_nothing_readable_stays_a_file_for_a_person() -> None:
    broken = b"\x78\x9f\x3e\x22" + bytes(60)
    (attachment,) = outlook(broken).attachments
    assert (attachment.media_type, attachment.content) == ("application/ms-tnef", broken)


def test_e45_a_winmail_dat_that_was_cut_gives_what_came_before() -> None:
    whole = tnef(("a.pdf", PDF), ("b.csv", CSV))
    found = opened(whole[: whole.index(CSV) + 5])
    assert found.files == [("a.pdf", PDF)]


def test_e46_a_mail_inside_a_winmail_dat_is_an_inner_mail() -> None:
    inner = b"From: jean@client.example\r\nSubject: Bon\r\n\r\n10 cartons REF-1200\r\n"
    incoming = outlook(tnef(("Bon.eml", inner)))
    assert [(one.sender.email, one.text) for one in incoming.forwarded] == [
        ("jean@client.example", "10 cartons REF-1200")
    ]


def test_a_winmail_dat_within_a_winmail_dat_without_end_is_opened_five_times() -> None:
    content = tnef(("a.pdf", PDF))
    for _ in range(9):
        content = tnef(("winmail.dat", content))
    (attachment,) = outlook(content).attachments
    assert attachment.media_type == "application/ms-tnef"


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reading_of_a_winmail_dat_fail(noise: bytes) -> None:
    opened(b"\x78\x9f\x3e\x22\x01\x00" + noise)
    opened(tnef(("a.pdf", PDF))[:60] + noise)


# -- signed and encrypted ----------------------------------------------------------------------------------------------


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x84]) + struct.pack(">I", size)
    return bytes([tag]) + length + content


def ber(tag: int, *contents: bytes) -> bytes:
    """The same with an open length, as mail programs write what they do not hold in memory."""
    return bytes([tag, 0x80]) + b"".join(contents) + b"\x00\x00"


SIGNED, DATA, ENVELOPED = (der(6, bytes.fromhex("2a864886f70d0107" + last)) for last in ("02", "01", "03"))


def signed(content: bytes) -> bytes:
    holder = der(0x30, DATA, der(0xA0, der(4, content)))
    return der(0x30, SIGNED, der(0xA0, der(0x30, der(2, b"\x01"), der(0x31), holder, der(0x31))))


def signed_in_pieces(content: bytes) -> bytes:
    pieces = [der(4, content[start : start + 50]) for start in range(0, len(content), 50)]
    holder = ber(0x30, DATA, ber(0xA0, ber(0x24, *pieces)))
    return ber(0x30, SIGNED, ber(0xA0, ber(0x30, der(2, b"\x01"), der(0x31), holder, der(0x31))))


INNER = b"Content-Type: text/plain; charset=utf-8\r\n\r\n10 cartons REF-1200, merci de livrer jeudi matin au quai 2\r\n"
SMIME = "Content-Type: application/pkcs7-mime; smime-type={}; name=smime.p7m"


@pytest.mark.parametrize("wrap", [signed, signed_in_pieces])
def test_e50_the_text_of_an_opaquely_signed_mail_is_read(wrap: Callable[[bytes], bytes]) -> None:
    headers, content = encoded(wrap(INNER), SMIME.format("signed-data"))
    incoming = read(b"From: cli@c.example\r\n" + headers.encode() + b"\r\n\r\n" + content)
    assert incoming.text == "10 cartons REF-1200, merci de livrer jeudi matin au quai 2"
    assert incoming.attachments == ()


def test_e50_a_detached_signature_is_a_file_beside_the_text_that_it_signs() -> None:
    signature = encoded(signed(b"")[:80], "Content-Type: application/pkcs7-signature; name=smime.p7s")
    incoming = read(mail((TEXT, b"10 cartons REF-1200"), signature, kind="multipart/signed"))
    assert incoming.text == "10 cartons REF-1200"
    assert [a.media_type for a in incoming.attachments] == ["application/pkcs7-signature"]


def test_e50_an_encrypted_mail_stays_a_file_whose_type_says_why_nobody_reads_it() -> None:
    encrypted = der(0x30, ENVELOPED, der(0xA0, der(0x30, der(2, b"\x00"), der(0x31), der(0x30, DATA))))
    headers, content = encoded(encrypted, SMIME.format("enveloped-data"))
    incoming = read(b"From: cli@c.example\r\nSubject: Commande\r\n" + headers.encode() + b"\r\n\r\n" + content)
    (attachment,) = incoming.attachments
    assert (incoming.text, attachment.media_type, attachment.content) == ("", "application/pkcs7-mime", encrypted)
    assert understand(incoming, today=date(2026, 11, 24)).kind is Kind.OTHER


def test_e50_a_signed_file_is_the_file_that_was_signed() -> None:
    wrapped = encoded(signed(CSV), "Content-Type: application/octet-stream; name=liste.csv.p7m")
    (attachment,) = read(mail((TEXT, b"Voir ci-joint"), wrapped)).attachments
    assert (attachment.name, attachment.media_type, attachment.content) == ("liste.csv", "text/csv", CSV)


def test_e50_the_mail_inside_registered_mail_is_an_inner_mail() -> None:
    """Italian certified mail (PEC): the provider's envelope, its own XML, and the mail itself."""
    original = b"From: acquisti@cliente.example\r\nSubject: Ordine\r\n\r\n10 cartoni REF-1200\r\n"
    envelope = b"Content-Type: multipart/mixed; boundary=dentro\r\n\r\n--dentro\r\n"
    envelope += b"Content-Type: text/plain\r\n\r\nMessaggio di posta certificata\r\n--dentro\r\n"
    envelope += b"Content-Type: application/xml; name=daticert.xml\r\n\r\n<postacert/>\r\n--dentro\r\n"
    envelope += b"Content-Type: message/rfc822; name=postacert.eml\r\n\r\n" + original + b"\r\n--dentro--\r\n"
    raw = b"From: posta-certificata@pec.example\r\nX-Trasporto: posta-certificata\r\n"
    raw += b"Content-Type: multipart/signed; boundary=fuori\r\n\r\n--fuori\r\n" + envelope
    raw += b"--fuori\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nMAsG\r\n--fuori--\r\n"
    incoming = read(raw)
    assert incoming.text == "Messaggio di posta certificata"
    (inner,) = incoming.forwarded
    assert (inner.sender.email, inner.text) == ("acquisti@cliente.example", "10 cartoni REF-1200")


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reading_of_a_signature_fail(noise: bytes) -> None:
    content_of(noise)
    content_of(signed(INNER)[:40] + noise)
    content_of(b"\x30\x80" * 40 + noise)


# -- files that may do harm --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "declared", "content", "media_type"),
    [
        ("facture.exe", "application/pdf", b"MZ\x90\x00", "application/x-msdownload"),
        ("facture.pdf", "application/pdf", b"MZ\x90\x00" + bytes(40), "application/x-msdownload"),
        ("bon.html", "application/octet-stream", b"<script>alert(1)</script>", "text/html"),
        ("bon.pdf", "application/pdf", b"<!DOCTYPE html><script>alert(1)</script>", "text/html"),
        ("bon.js", "application/pdf", b"var x = 1;", "application/x-msdownload"),
    ],
)
def test_s30_a_program_is_known_for_one_whatever_it_is_called(
    name: str, declared: str, content: bytes, media_type: str
) -> None:
    (attachment,) = read(
        mail(encoded(content, f"Content-Type: {declared}", f"Content-Disposition: attachment; filename={name}"))
    ).attachments
    assert attachment.media_type == media_type
    assert (
        understand(read(mail(encoded(content, f"Content-Type: {declared}; name={name}"))), today=NOW.date()).lines == ()
    )
