"""The firm's logo: what is refused and why, and that a paper keeps the one it was issued with."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from bot import checkup
from core import letterheads, papers, rendering, retention, statements
from core.errors import Refused
from core.letterheads import Emblem
from core.messages import Blob, Message, MessageChannel, MessageState
from core.papers import Paper
from core.parties import Role
from core.settings import House, load
from tests.core.builders import Trade

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="90" height="30" fill="%s"/></svg>'


def picture(mode: str = "RGB", form: str = "PNG", size: tuple[int, int] = (60, 20)) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, form)
    return out.getvalue()


def noise() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((200, 80), 60).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "extension"),
    [
        ("logo.png", picture(), "png"), ("logo.PNG", picture("RGBA"), "png"), ("logo.jpg", picture(form="JPEG"), "jpg"),
        ("logo.png", picture(form="JPEG"), "jpg"), ("logo.png", picture("L"), "png"), ("logo.svg", SVG % b"red", "svg"),
    ],
)  # fmt: skip
def test_a_picture_is_known_by_its_bytes(tmp_path: Path, name: str, content: bytes, extension: str) -> None:
    (tmp_path / name).write_bytes(content)
    logo = letterheads.read(tmp_path, name)
    assert (logo.content, logo.extension) == (content, extension)
    assert logo.name == f"{logo.sha256}.{extension}"


NOISE = noise()
DOCTYPE = b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("logo.png", None, "logo_missing"),
        ("../logo.png", picture(), "logo_outside_folder"),
        ("logo.png", b"", "logo_unreadable"),
        ("logo.png", NOISE[: len(NOISE) // 2], "logo_unreadable"),
        ("logo.png", picture(form="GIF"), "logo_unreadable"),
        ("logo.png", b"x" * (letterheads.MAX_BYTES + 1), "logo_too_large"),
        ("logo.png", picture("1", size=(5000, 4000)), "logo_too_large"),
        ("logo.jpg", picture("CMYK", "JPEG"), "logo_not_rgb"),
        ("logo.svg", b"<svg", "logo_unreadable"),
        ("logo.svg", b"<html/>", "logo_unreadable"),
        ("logo.svg", DOCTYPE + SVG % b"red", "logo_unreadable"),
        ("logo.svg", SVG % b"url(http://x/y)", "logo_not_self_contained"),
        ("logo.svg", (SVG % b"red").replace(b"<rect", b"<text>Maison</text><rect"), "logo_not_self_contained"),
        ("logo.svg", (SVG % b"red").replace(b"<rect", b"<script/><rect"), "logo_not_self_contained"),
        ("logo.svg", (SVG % b"red").replace(b"<rect", b'<use href="a.svg#b"/><rect'), "logo_not_self_contained"),
    ],
)
def test_what_could_not_be_printed_is_refused(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    home = tmp_path / "firm"
    home.mkdir()
    if content is not None:
        (home / name).write_bytes(content)
    with pytest.raises(Refused) as refused:
        letterheads.read(home, name)
    assert refused.value.code == code
    assert refused.value.data["file"] == name


@pytest.fixture
def dressed(trade: Trade, tmp_path: Path) -> Trade:
    """The trade with a logo in its folder, read by the settings as the desk reads them."""
    (tmp_path / "logo.svg").write_bytes(SVG % b"red")
    (tmp_path / "comptoir.toml").write_text('[house]\nlogo = "logo.svg"\n')
    home = load(tmp_path).house
    trade.house = House(**trade.house.model_dump() | {"logo": home.logo})
    trade.house.at_home(tmp_path)
    assert trade.house.emblem == home.emblem
    return trade


def test_every_paper_of_the_circuit_is_issued_with_the_logo_and_keeps_it(dressed: Trade, tmp_path: Path) -> None:
    session = dressed.session
    letterheads.keep(session, dressed.house, at=dressed.at)
    letterheads.keep(session, dressed.house, at=dressed.at)
    dressed.invoiced((dressed.article, "2"))
    statements.issue(
        session, dressed.customer, since=date(2026, 1, 1), until=dressed.at.date(), house=dressed.house,
        by=dressed.by(Role.ACCOUNTING), at=dressed.at,
    )  # fmt: skip
    issued = session.scalars(select(Paper)).all()
    assert len({paper.kind for paper in issued}) == 5
    assert {paper.document.logo for paper in issued} == {dressed.house.emblem}
    document = issued[0].document
    printed = rendering.pdf_in_process(document, letterheads.assets(session, document))
    (tmp_path / "logo.svg").write_bytes(SVG % b"blue")  # the file changes: a paper does not
    assert rendering.pdf_in_process(document, letterheads.assets(session, document)) == printed
    assert rendering.pdf_in_process(document, {document.logo: SVG % b"blue"}) != printed
    assert load(tmp_path).house.emblem != document.logo


def test_a_paper_whose_logo_is_not_kept_is_not_issued(dressed: Trade) -> None:
    with pytest.raises(Refused, match="logo_not_kept"):
        dressed.confirm(dressed.draft((dressed.article, "2")))
    assert papers.unmade(dressed.session) == []


def test_the_logo_is_never_purged_though_an_old_message_brought_the_same_bytes(dressed: Trade) -> None:
    session = dressed.session
    letterheads.keep(session, dressed.house, at=dressed.at)
    sha256 = session.scalars(select(Emblem.sha256)).one()
    message = Message(
        channel=MessageChannel.MAIL, key="old", received_at=dressed.at, sender="a@b.example", raw_sha256=sha256,
        state=MessageState.IGNORED,
    )  # fmt: skip
    session.add(message)
    session.flush()
    retention.purge(session, today=date(2060, 1, 1), at=dressed.at)
    assert message.raw_sha256 is None
    assert session.get(Blob, sha256) is not None


def test_a_missing_logo_stops_the_desk_and_check_says_what_to_do(dressed: Trade, tmp_path: Path) -> None:
    (tmp_path / "logo.svg").unlink()
    settings = load(tmp_path)
    with pytest.raises(Refused, match="logo_missing"):
        letterheads.keep(dressed.session, settings.house, at=dressed.at)
    (found,) = checkup._letterhead(settings, dressed.at)
    assert not found.well
    assert found.said == "The logo logo.svg is not in the firm's folder. Correct house.logo in comptoir.toml."
    (tmp_path / "logo.svg").write_bytes(SVG % b"red")
    (found,) = checkup._letterhead(load(tmp_path), dressed.at)
    assert found.well
