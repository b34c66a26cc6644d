"""Voice notes: heard with a model and never certain, kept and answered without one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, select

from core import orders
from core.catalogue import Article, Packaging
from core.db import transaction
from core.journal import SYSTEM
from core.messages import Message, MessageChannel, MessageState
from core.orders import Asked, AskedLine, Order
from core.outbox import OutboxRow
from core.parties import ChatLink, Contact, Customer, Role, Staff, StaffRole
from core.settings import House, MailAccount, ReadingSettings, Settings
from intake import voice
from intake.incoming import Attachment
from intake.receive import DatabaseMailStore, receive_chat
from intake.understand import understand

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SETTINGS = Settings(
    _env_file=None, house=House(name="Maison Test"),
    mail=MailAccount(address="commandes@maison-test.example", trusted_authserv_id="mx.maison-test.example"),
)  # fmt: skip
NOTE = b"OggS\x00\x02 a recording"
Hear = Callable[..., Message]


@pytest.fixture(autouse=True)
def _supplier(engine: Engine) -> None:
    with transaction(engine) as session:
        martin = Customer(code="C1", name="Boulangerie Martin", contacts=[Contact(email="achats@martin.example")])
        session.add_all(
            [
                martin,
                Staff(name="Claire", email="claire@maison-test.example", grants=[StaffRole(role=Role.SALES)]),
                Article(
                    sku="BEU-DOU-1", name="Beurre doux plaque 1 kg", unit="plaque", price=Decimal("7.90"),
                    vat_percent=Decimal("5.5"), packagings=[Packaging(name="carton", quantity=Decimal(10))],
                ),
            ]
        )  # fmt: skip
        session.flush()
        session.add(ChatLink(chat_id=77, customer_id=martin.id, linked_at=AT))


@pytest.fixture
def hear(engine: Engine) -> Hear:
    """A voice note in the chat, with what the model makes of it; None where there is no model."""

    def heard(said: str | Exception | None, *, text: str = "") -> Message:
        def transcribe(sound: bytes) -> str:
            assert sound == NOTE
            if isinstance(said, Exception):
                raise said
            return said or ""

        with transaction(engine) as session:
            customer = session.scalars(select(Customer.id)).one()
            receive_chat(
                session, chat_id=77, message_id=1, text=text, files=[("voice.ogg", NOTE)], received_at=AT,
                customer_id=customer,
            )  # fmt: skip
        understand(engine, settings=SETTINGS, at=AT, transcribe=None if said is None else transcribe)
        with transaction(engine) as session:
            return session.scalars(select(Message)).one()

    return heard


def drafted(engine: Engine) -> list[tuple[str | None, Decimal | None, bool, bool]]:
    with transaction(engine) as session:
        order = session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
        return [
            (
                line.article.sku if line.article else None, line.quantity, line.confidence >= Decimal("0.9"),
                '"part": "voice"' in line.evidence,
            )
            for line in order.kept_lines
        ]  # fmt: skip


def told(engine: Engine) -> list[tuple[str, str]]:
    with transaction(engine) as session:
        return [(row.audience, row.template) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]


def test_what_was_heard_is_a_draft_to_be_confirmed_and_says_where_it_was_read(engine: Engine, hear: Hear) -> None:
    message = hear("bonjour il me faudrait 3 cartons de beurre doux merci")
    assert message.state is MessageState.UNDERSTOOD
    assert drafted(engine) == [("BEU-DOU-1", 30, False, True)]
    assert "3 cartons de beurre" in message.extract


def test_what_is_written_beside_a_note_is_as_certain_as_ever(engine: Engine, hear: Hear) -> None:
    hear("et aussi 5 plaques de beurre doux", text="3 cartons de beurre doux svp")
    assert drafted(engine)[0] == ("BEU-DOU-1", 30, True, False)
    assert all(not sure for _, _, sure, by_ear in drafted(engine) if by_ear)


def test_a_last_order_that_was_asked_for_by_voice_is_to_be_confirmed(engine: Engine, hear: Hear) -> None:
    with transaction(engine) as session:
        butter, martin = session.scalars(select(Article)).one(), session.scalars(select(Customer)).one()
        lines = (AskedLine("beurre", butter, Decimal(20)),)
        order = orders.draft(session, Asked(martin, MessageChannel.ORAL, lines), by=SYSTEM, at=AT - timedelta(days=7))
        orders.confirm(session, order, by=SYSTEM, at=AT - timedelta(days=7), undo=timedelta())
    hear("bonjour la même commande que la dernière fois s'il vous plaît")
    assert drafted(engine) == [("BEU-DOU-1", 20, False, False)]


@pytest.mark.parametrize("said", [None, "", RuntimeError("no sound in it")])
def test_t39_a_note_nobody_can_hear_here_goes_to_a_person_is_kept_and_answered(
    engine: Engine, hear: Hear, said: str | Exception | None
) -> None:
    message = hear(said)
    assert (message.state, message.reason) == (MessageState.QUARANTINED, "voice_not_heard")
    assert message.raw_sha256 is not None
    assert told(engine) == [("sales", "quarantine_card"), ("customer", "message_kept")]


def test_an_unheard_note_beside_an_order_is_told_to_a_person_too(engine: Engine, hear: Hear) -> None:
    hear(None, text="3 cartons de beurre doux svp")
    assert drafted(engine) == [("BEU-DOU-1", 30, True, False)]
    assert ("sales", "customer_message") in told(engine)


def test_a_recording_that_came_by_mail_is_heard_too(engine: Engine) -> None:
    mail = EmailMessage()
    mail["Authentication-Results"] = "mx.maison-test.example; dmarc=pass header.from=martin.example"
    mail["From"], mail["To"] = "achats@martin.example", "commandes@maison-test.example"
    mail["Subject"], mail["Message-ID"] = "Message vocal", "<1@martin.example>"
    mail.set_content("")
    mail.add_attachment(NOTE, maintype="audio", subtype="ogg", filename="message.ogg")
    DatabaseMailStore(engine, lambda: AT).store(
        account="a", folder="INBOX", uidvalidity=1, uid=1, raw=mail.as_bytes(), fingerprint="1", received_at=AT
    )  # fmt: skip
    understand(
        engine, settings=SETTINGS, at=AT, transcribe=lambda _sound: "Il me faut 2 cartons de beurre doux"
    )  # fmt: skip
    assert drafted(engine) == [("BEU-DOU-1", 20, False, True)]


@pytest.mark.parametrize(
    ("content", "media_type", "sound"),
    [
        (NOTE, "application/octet-stream", True), (b"ID3\x03", "application/octet-stream", True),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "", True), (b"\x00\x00\x00\x20ftypM4A \x00", "", True),
        (b"\x00\x00\x00\x20ftypheic\x00", "image/heic", False), (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", False),
        (b"%PDF-1.7", "application/pdf", False), (b"\x00\x01", "audio/amr", True),
    ],
)  # fmt: skip
def test_a_recording_is_known_by_its_bytes(content: bytes, media_type: str, sound: bool) -> None:
    assert voice.is_sound(Attachment("x", media_type, content)) is sound


@dataclass(frozen=True)
class Segment:
    text: str


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The library at the edge: it notes how it is called, and hears one sentence in two segments."""
    calls: list[Any] = []

    class Model:
        def __init__(self, folder: str, **options: Any) -> None:
            calls.append((folder, options))

        def transcribe(self, sound: Any, **options: Any) -> tuple[list[Segment], None]:
            calls.append((sound.read(), options))
            return [Segment(" Bonjour,"), Segment(" trois cartons.")], None

    module = ModuleType("faster_whisper")
    module.WhisperModel = Model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    voice._listener.cache_clear()
    yield calls
    voice._listener.cache_clear()


def test_the_users_own_model_listens_and_nothing_is_fetched(tmp_path: Path, library: list[Any]) -> None:
    settings = ReadingSettings(voice_model=str(tmp_path))
    transcribe = voice.transcriber(settings)
    assert transcribe is not None
    assert transcribe(NOTE) == "Bonjour,\ntrois cartons."
    assert voice.transcriber(settings) is transcribe  # the model is loaded once
    (folder, made), (sound, asked) = library
    assert (folder, made["local_files_only"], sound, asked["language"]) == (str(tmp_path), True, NOTE, "fr")


def test_no_model_a_missing_one_and_a_missing_library_listen_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    voice._listener.cache_clear()
    assert voice.transcriber(ReadingSettings()) is None
    assert voice.transcriber(ReadingSettings(voice_model=str(tmp_path / "none"))) is None
    assert voice.transcriber(ReadingSettings(voice_model=str(tmp_path))) is None
    voice._listener.cache_clear()
