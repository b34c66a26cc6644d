"""Replays in shadow mode: the rates are those of an independent scorer, and nothing is written."""

from __future__ import annotations

import json
import mailbox
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

from bot.cli import app
from core import orders
from core.catalogue import Article, Packaging
from core.db import Base, transaction
from core.journal import SYSTEM
from core.messages import Message, MessageState
from core.orders import Order
from core.parties import Contact, Customer
from core.settings import House, MailAccount, Settings
from intake import evaluate as shadow
from intake.evaluate_rates import Share, median
from intake.evaluate_sources import messages
from intake.evaluate_truths import Given, Wanted, compare
from intake.receive import DatabaseMailStore
from intake.understand import understand

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SETTINGS = Settings(
    _env_file=None, house=House(name="Maison Test"),
    mail=MailAccount(address="commandes@maison-test.example", trusted_authserv_id="mx.maison-test.example"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [  # 0 of n and n of n in closed form: 1 - 0.025 ** (1 / n); the others from tables
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (5, 10, 0.1870860, 0.8129140),
        (1, 20, 0.0012651, 0.2487328),
    ],
)
def test_shares_have_the_interval_of_clopper_and_pearson(count: int, total: int, low: float, high: float) -> None:
    share = Share(count, total)
    assert share.low == pytest.approx(low, abs=1e-6)
    assert share.high == pytest.approx(high, abs=1e-6)


def test_the_median_lies_between_order_statistics() -> None:
    found = median([float(value) for value in range(1, 21)])
    assert found is not None
    assert (found.value, found.low, found.high) == (10.5, 6.0, 15.0)  # ranks 6 and 15 of 20: 95.9 %
    assert median([]) is None


def given(sku: str | None, quantity: int | None, confidence: str = "0.95") -> Given:
    return Given(sku, None if quantity is None else Decimal(quantity), Decimal(confidence))


def wanted(sku: str | None, quantity: int, *more: str) -> Wanted:
    return Wanted(frozenset([*([sku] if sku else []), *more]), frozenset([Decimal(quantity)]), open=sku is None)


@pytest.mark.parametrize(
    ("read", "truth", "exact", "silent"),
    [
        ([given("A", 1), given("B", 2)], [wanted("B", 2), wanted("A", 1)], True, 0),
        ([given("A", 1), given("A", 2)], [wanted("A", 2), wanted("A", 1)], True, 0),
        ([given("A", 3)], [wanted("A", 1)], False, 1),
        ([given("A", 3, "0.8")], [wanted("A", 1)], False, 0),
        ([given("A", 1), given("B", 1)], [wanted("A", 1)], False, 1),
        ([given("A", 1)], [wanted("A", 1), wanted("B", 1)], False, 0),
        ([given(None, 1)], [wanted(None, 1)], True, 0),
        ([given("A", 1)], [wanted(None, 1)], False, 1),
        ([given("A", 1, "0.6")], [wanted(None, 1, "A", "B")], True, 0),
        ([given("A", 1)], [wanted(None, 1, "A", "B")], False, 1),
    ],
)
def test_a_confident_line_that_is_wrong_or_too_much_is_a_silent_error(
    read: list[Given], truth: list[Wanted], exact: bool, silent: int
) -> None:
    verdict = compare(read, truth)
    assert (verdict.exact, verdict.silent) == (exact, silent)


@pytest.mark.long
def test_the_sample_folder_has_the_rates_that_its_own_scorer_finds(shared: Path, root: Path) -> None:
    samples = shared / "samples" / "intake"
    if not (samples / "score.py").exists():
        pytest.skip("the sample orders are not in the shared folder")
    folder = samples / "stationery"
    known = shadow.of_files(folder / "catalogue.csv", folder / "customers.csv")
    found = shadow.report(shadow.evaluate(messages(folder, today=date(2026, 1, 1)), known))
    command = f'{sys.executable} -c "from bot.cli import main; main()"'
    done = subprocess.run(
        [sys.executable, str(samples / "score.py"), command, str(folder)],
        capture_output=True, text=True, check=True, cwd=root, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    score = json.loads(done.stdout.splitlines()[-1])["all"]
    assert (found.messages, found.orders, found.without_truth) == (score["messages"], score["orders"], 0)
    assert found.exact.value == pytest.approx(score["exact_order"], abs=1e-4)
    assert found.touchless.value == pytest.approx(score["touchless_order"], abs=1e-4)
    assert found.silent.count == score["silent_errors"]


Mail = Callable[..., bytes]


def mail(text: str, number: int, sender: str = "achats@martin.example") -> bytes:
    message = EmailMessage()
    message["Authentication-Results"] = f"mx.maison-test.example; dmarc=pass header.from={sender.partition('@')[2]}"
    message["From"], message["To"], message["Subject"] = sender, "commandes@maison-test.example", "Commande"
    message["Message-ID"], message["Date"] = f"<{number}@x.example>", "Mon, 23 Nov 2026 10:00:00 +0100"
    message.set_content(text)
    return message.as_bytes()


MAILS = [
    mail("Bonjour,\nMerci de livrer 3 cartons de beurre doux.\n", 1),
    mail("Bonjour,\nMerci de livrer 4 sacs de farine T65 et 2 cartons de beurre doux.\n", 2),
    mail("Bonjour,\nMerci de livrer 5 sacs de farine T65.\n", 3),
    mail("Merci de livrer 6 sacs de farine T65.\n", 4, "qui@ailleurs.example"),
]


@pytest.fixture
def _story(engine: Engine) -> None:
    """Four mails: one confirmed as read, one corrected by the agent, one still a draft, one that he set aside."""
    with transaction(engine) as session:
        session.add_all(
            [
                Customer(code="C1", name="Boulangerie Martin", contacts=[Contact(email="achats@martin.example")]),
                Article(
                    sku="BEU-DOU-1", name="Beurre doux plaque 1 kg", unit="plaque", price=Decimal("7.90"),
                    vat_percent=Decimal("5.5"), packagings=[Packaging(name="carton", quantity=Decimal(10))],
                ),
                Article(
                    sku="FAR-T65-25", name="Farine de blé T65 sac 25 kg", unit="sac", price=Decimal("18.40"),
                    vat_percent=Decimal("5.5"),
                ),
            ]
        )  # fmt: skip
    store = DatabaseMailStore(engine, lambda: AT)
    for uid, raw in enumerate(MAILS, start=1):
        store.store(
            account="a", folder="INBOX", uidvalidity=1, uid=uid, raw=raw, fingerprint=str(uid), received_at=AT
        )  # fmt: skip
    understand(engine, settings=SETTINGS, at=AT)
    with transaction(engine) as session:
        first, second, _third = session.scalars(select(Order).order_by(Order.id))
        orders.set_quantity(session, second, 2, Decimal(12), by=SYSTEM, at=AT)
        for order in (first, second):
            orders.confirm(session, order, by=SYSTEM, at=AT, undo=timedelta())
        stranger = session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
        assert stranger.reason == "customer_unknown"
        stranger.state, stranger.reason = MessageState.IGNORED, "démarchage"


def rows(engine: Engine) -> dict[str, int]:
    with transaction(engine) as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def replayed_in(place: Path, form: str) -> Path:
    """The same mails as a folder, a maildir or an mbox."""
    if form == "folder":
        place.mkdir()
        for number, raw in enumerate(MAILS, start=1):
            (place / f"{number}.eml").write_bytes(raw)
    elif form == "maildir":
        box = mailbox.Maildir(place, create=True)
        for raw in MAILS:
            box.add(raw)
    else:
        kept = mailbox.mbox(place, create=True)
        for raw in MAILS:
            kept.add(raw)
        kept.close()
    return place


@pytest.mark.usefixtures("_story")
@pytest.mark.parametrize("form", ["folder", "maildir", "mbox"])
def test_a_mailbox_is_compared_with_what_was_confirmed_and_nothing_is_written(
    engine: Engine, tmp_path: Path, form: str
) -> None:
    before = rows(engine)
    place = replayed_in(tmp_path / "box", form)
    results = list(shadow.evaluate(messages(place, today=date(2026, 11, 24)), shadow.of_database(engine, SETTINGS)))
    found = shadow.report(results)
    assert (found.messages, found.orders, found.without_truth) == (4, 2, 1)
    assert (found.exact.count, found.exact.total) == (1, 2)
    # the agent's 12 for our 20; the stranger's words were shown to a person, no draft was made of them
    assert (found.silent.count, found.silent_orders.count) == (1, 1)
    assert shadow.by_customer(results)["C1"].exact == Share(1, 2)
    assert any(line.startswith("exact orders") and "1 of 2 = 50.0 %" in line for line in shadow.told(found))
    assert json.loads(json.dumps(found.as_json()))["exact_orders"]["interval"][0] == pytest.approx(0.0126, abs=1e-4)
    assert rows(engine) == before


def test_the_command_line_tells_the_rates_of_a_folder_and_of_one_customer(tmp_path: Path) -> None:
    (tmp_path / "catalogue.csv").write_text(
        "sku,name,unit,packagings,price,vat_rate,gtin,supplier_ref,category,aliases,stock\n"
        "BEU-DOU-1,Beurre doux plaque 1 kg,plaque,carton=10,7.90,5.5,,,,,\n"
    )
    (tmp_path / "customers.csv").write_text("code,name,emails\nC1,Boulangerie Martin,achats@martin.example\n")
    box = tmp_path / "box"
    box.mkdir()
    (box / "1.eml").write_bytes(MAILS[0])
    line = {"text": "3 cartons de beurre doux", "sku": "BEU-DOU-1", "quantity": "3", "base_quantity": "30"}
    case = {"source": "1.eml", "today": "2026-11-23", "kind": "order", "customer": "C1", "lines": [line]}
    (box / "truth.jsonl").write_text(json.dumps(case) + "\n")
    files = ["--catalogue", str(tmp_path / "catalogue.csv"), "--customers", str(tmp_path / "customers.csv")]
    told = CliRunner().invoke(app, ["evaluate", str(box), *files])
    assert told.exit_code == 0, told.output
    assert "exact orders                 1 of 1 = 100.0 % (2.5 to 100.0)" in told.output
    asked = ["evaluate", str(box), *files, "--json"]
    whole = json.loads(CliRunner().invoke(app, asked).output)
    assert (whole["exact_orders"]["count"], list(whole["customers"])) == (1, ["C1"])
    nobody = json.loads(CliRunner().invoke(app, [*asked, "--customer", "C9"]).output)
    assert (nobody["messages"], nobody["exact_orders"]["share"]) == (0, None)
    assert CliRunner().invoke(app, ["evaluate", str(box), *files[:2]]).exit_code == 2
