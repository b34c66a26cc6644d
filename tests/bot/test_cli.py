"""The command line as a person types it: each command in a folder of its own."""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select

from bot import checkup, cli, setup
from bot.sandbox.server import Sandbox
from core import backups, messages, parties
from core.db import transaction
from core.journal import SYSTEM, JournalEntry
from core.messages import Message, MessageChannel, MessageState
from core.parties import LinkCode, Staff, staff_with
from core.settings import SENDING_FROZEN, Settings, Telegram, flag, load, raise_flag
from tests.core.bank.papers import PAYER, Line, camt

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ANSWERS = """
database_url = "{database_url}"
[house]
name = "Maison d'Essai"
siren = "999004286"
iban = "FR76 3000 6000 0112 3456 7890 189"
[mail]
address = "commandes@maison.example"
imap_host = "127.0.0.1"
imap_port = 1
imap_tls = false
password = "it's a \\\\secret# $x"
[telegram]
token = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
"""
STAFF = "name;roles\nAnne;admin;sales\n".replace("admin;sales", "admin|sales")

Type = Callable[..., tuple[int, str, str]]


@pytest.fixture
def type_(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Type a command in an own folder; its exit code and what it printed."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COMPTOIR_DATABASE_URL", database_url)
    monkeypatch.setenv("COMPTOIR_BACKUP_PASSPHRASE", "correct horse battery")

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["comptoir", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return call


def test_init_writes_both_files_keeps_secrets_apart_and_never_shows_one(
    type_: Type, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("answers.toml").write_text(ANSWERS.replace("{database_url}", database_url), "utf-8")
    code, out, err = type_("init", "--answers", "answers.toml")
    assert code == 0, err
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    public = Path("comptoir.toml").read_text("utf-8")
    for secret in ("AAEhBOweik6ad9r", "secret#", database_url):
        assert secret not in public
        assert secret not in out + err
    assert tomllib.loads(public)["house"]["iban"] == "FR7630006000011234567890189"
    monkeypatch.delenv("COMPTOIR_DATABASE_URL")
    found = load(Path.cwd())
    assert found.database_url == database_url
    assert found.house.name == "Maison d'Essai"
    assert (found.mail.imap_port, found.mail.imap_tls) == (1, False)
    assert found.mail.password.get_secret_value() == "it's a \\secret# $x"
    assert found.telegram.token.get_secret_value().startswith("123456789:")
    assert len(found.secret_key.get_secret_value()) > 40


def test_init_never_replaces_a_file_without_being_told(type_: Type) -> None:
    Path("answers.toml").write_text(ANSWERS.replace("{database_url}", "sqlite:///x.db"), "utf-8")
    Path(".env").write_text("MINE=1\n", "utf-8")
    code, _, err = type_("init", "--answers", "answers.toml")
    assert code == 2
    assert ".env is there already" in err
    assert Path(".env").read_text("utf-8") == "MINE=1\n"
    assert not Path("comptoir.toml").exists()


def test_init_refuses_a_siren_whose_check_digit_is_wrong(type_: Type) -> None:
    Path("answers.toml").write_text(ANSWERS.replace("999004286", "999004287"), "utf-8")
    code, _, err = type_("init", "--answers", "answers.toml")
    assert (code, "999004287 is not a valid siren" in err) == (2, True)
    assert not Path(".env").exists()


@pytest.mark.parametrize("value", ["plain", "it's", 'a"b', "a\\b", "a # b", "$HOME ${x}", "é €", "a\\'b"])
def test_a_secret_is_read_back_as_it_was_given(tmp_path: Path, value: str) -> None:
    setup._write_env(tmp_path / ".env", {"mail.password": value})
    assert load(tmp_path).mail.password.get_secret_value() == value


def test_import_names_every_wrong_cell_and_exits_with_two(type_: Type, engine: Engine) -> None:
    Path("staff.csv").write_text("name;roles\nAnne;boss\n;sales\n", "utf-8")
    code, out, err = type_("import", "staff", "staff.csv")
    assert (code, out) == (2, "")
    assert "line 2, roles" in err
    assert "line 3, name" in err
    Path("staff.csv").write_text(STAFF, "utf-8")
    assert type_("import", "staff", "staff.csv")[:2] == (0, "staff: 1 added, 0 changed, 0 unchanged, 0 closed\n")
    with transaction(engine) as session:
        assert [person.name for person in staff_with(session, parties.Role.ADMIN)] == ["Anne"]
    code, _, err = type_("import", "planets", "staff.csv")
    assert (code, "planets cannot be imported" in err, "Traceback" in err) == (2, True, False)


def test_link_prints_a_code_that_works_once(type_: Type, engine: Engine) -> None:
    Path("staff.csv").write_text(STAFF, "utf-8")
    type_("import", "staff", "staff.csv")
    code, out, _ = type_("link", "Anne")
    assert code == 0
    given = next(line for line in out.splitlines() if line.startswith("/start ")).removeprefix("/start ")
    with transaction(engine) as session:
        assert given not in session.scalars(select(LinkCode.code_hash)).all()
        at = session.scalars(select(LinkCode.expires_at)).one() - parties.CODE_LIFETIME
        linked = parties.use_link_code(session, given, chat_id=5, at=at)
        assert linked.staff_id == session.scalars(select(Staff.id)).one()
    assert type_("link", "nobody")[0] == 2


def test_backup_refuses_to_be_restored_over_data_and_release_sending_is_journalled(type_: Type, engine: Engine) -> None:
    Path("staff.csv").write_text(STAFF, "utf-8")
    type_("import", "staff", "staff.csv")
    assert type_("backup", "b.comptoir")[0] == 0
    with transaction(engine) as session:
        assert backups.last(session) is not None
    code, _, err = type_("restore", "b.comptoir")
    assert (code, "already holds data" in err) == (2, True)
    assert type_("release-sending")[0] == 2
    with transaction(engine) as session:
        raise_flag(session, SENDING_FROZEN, "restored", at=AT)
    assert type_("release-sending")[0] == 0
    with transaction(engine) as session:
        assert flag(session, SENDING_FROZEN) is None
        actions = session.scalars(select(JournalEntry.action)).all()
        assert actions[-1] == "sending_released"


def test_replay_treats_a_message_again(type_: Type, engine: Engine) -> None:
    raw = b"From: x@y.example\r\nTo: c@m.example\r\nSubject: ?\r\nMessage-ID: <1@y>\r\n\r\nBonjour\r\n"
    with transaction(engine) as session:
        message = Message(
            channel=MessageChannel.MAIL, key="mail:1", received_at=AT, raw_sha256=messages.keep(session, raw),
            state=MessageState.STORED,
        )  # fmt: skip
        session.add(message)
        session.flush()
        messages.move(session, message, MessageState.QUARANTINED, by=SYSTEM, at=AT, reason="test")
        number = message.id
    code, out, err = type_("replay", str(number))
    assert code == 0, err
    assert out.startswith(f"message {number}: ")
    with transaction(engine) as session:
        assert "message_replayed" in session.scalars(select(JournalEntry.action)).all()
        assert session.get_one(Message, number).state is not MessageState.STORED
    assert type_("replay", "99")[0] == 2


def test_purge_and_person_answer_in_words(type_: Type) -> None:
    assert type_("purge", "--today", "2030-01-01")[0] == 0
    code, _, err = type_("person", "erase", "x@y.example", "--yes")
    assert (code, err) == (2, "Nobody is known as x@y.example.\n")


def test_check_says_one_line_each_and_what_to_do(database_url: str, engine: Engine) -> None:
    with Sandbox() as sandbox:
        telegram = Telegram(token=SecretStr(sandbox.token), base_url=f"{sandbox.base_url}/bot")
        mine = Settings(database_url=database_url, telegram=telegram)
        found = {finding.name: finding for finding in checkup.everything(mine, at=AT)}
    well = {name for name, finding in found.items() if finding.well}
    kept = {"database", "journal", "documents", "numbers", "outbox", "sending", "queue", "disk"}
    assert well - {"scans"} == {*kept, "telegram", "letterhead", "fonts"}
    assert found["imap"].todo
    with transaction(engine) as session:
        raise_flag(session, SENDING_FROZEN, "restored", at=AT)
    wrong = Settings(
        database_url=database_url, telegram=Telegram(token=SecretStr("1:2"), base_url="http://127.0.0.1:1/bot")
    )
    found = {finding.name: finding for finding in checkup.everything(wrong, at=AT)}
    assert found["sending"].todo == "comptoir release-sending"
    assert "1:2" not in str(found["telegram"])
    assert not found["telegram"].well


def test_the_command_line_starts_without_what_it_does_not_need() -> None:
    heavy = "('sqlalchemy', 'weasyprint', 'telegram', 'dbos')"
    script = f"import sys; import bot.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_statement_is_imported_once_and_another_accounts_is_refused(type_: Type, engine: Engine) -> None:
    assert engine is not None
    Path("comptoir.toml").write_text('[house]\niban = "FR76 3000 6000 0112 3456 7890 189"\n', "utf-8")
    Path("releve.xml").write_bytes(camt(Line("50.00", "VIR"), Line("-3.00", "Loyer")))
    assert type_("import", "statement", "releve.xml")[:2] == (
        0, "statement (camt.053): 0 booked, 1 asked, 1 left, 0 known\n",
    )  # fmt: skip
    assert type_("import", "statement", "releve.xml")[1].endswith("0 booked, 0 asked, 0 left, 2 known\n")
    Path("autre.xml").write_bytes(camt(Line("50.00", "VIR"), iban=PAYER))
    code, _, said = type_("import", "statement", "autre.xml")
    assert (code, PAYER in said) == (2, True)
    Path("paiements.csv").write_text("customer;date;amount\nC9;2026-03-10;12\n", "utf-8")
    code, _, said = type_("import", "payments", "paiements.csv")
    assert (code, "line 2, customer" in said) == (2, True)
