"""How soon a person sees an answer: `comptoir run` as it ships, on a database on the disk, against the sandbox.

Each figure is what a person waits: from his press, text or mail to the change on the screen of whoever is to see it.
The reference is a bare sendMessage to the same server. At the end two hundred customers order at once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path

import httpx
import psutil
from weasyprint import HTML

from bot import texts
from bot.sandbox.client import SandboxClient
from bot.sandbox.mail import MailSandbox
from bot.sandbox.seen import Call
from bot.sandbox.server import Sandbox
from core import db
from core.catalogue import Article
from core.clock import wall_clock
from core.db import transaction
from core.parties import ChatLink, Contact, Customer, Role, Staff, StaffRole
from core.stock import MovementKind, move
from tests.bench.measures import Row, Times
from tests.conftest import DISK, ROOT

ADDRESS = "commandes@maison-test.example"
ARTICLES, CUSTOMERS = 300, 240
PRESSES, TEXTS, MAILS, CROWD = 40, 25, 12, 200
PATIENCE = 120.0
NAMES = (
    "Drap plat",
    "Drap housse",
    "Taie",
    "Serviette",
    "Peignoir",
    "Nappe",
    "Torchon",
    "Couette",
    "Oreiller",
    "Tapis",
)
COLOURS = ("blanc", "écru", "gris", "bleu", "rouge", "vert")
SIZES = ("50x70", "70x140", "90x190", "140x190", "160x200")


@dataclass
class Front:
    """The servers, the people and the running desk."""

    chat: Sandbox
    mail: MailSandbox
    player: SandboxClient
    agent: int = 0
    customers: list[int] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None


def benches() -> Iterator[Row]:
    """The rows of this bench."""
    with _front() as front:
        plain = _bare(front)
        for name, bar, found in (
            ("press to card repainted", 0.3, _presses(front)),
            ("chat text to draft card", 1.0, _texts(front)),
            ("PDF mail to card", 3.0, _mails(front)),
        ):
            yield Row(
                f"front: {name}", f"{found.median * 1000:.0f} ms", f"p95 <= {bar * 1000:.0f} ms",
                f"{found.p95 * 1000:.0f} ms", found.median / plain.median,
                f"a bare sendMessage, {plain.median * 1000:.1f} ms",
            )  # fmt: skip
        yield from _crowd(front, plain)


@contextmanager
def _front() -> Iterator[Front]:
    folder = Path(tempfile.mkdtemp(prefix=f"comptoir-tests-{os.getpid()}-front-", dir=DISK))
    with MailSandbox(ADDRESS) as mail, Sandbox(limits=True) as chat, SandboxClient(chat.control_url) as player:
        front = Front(chat, mail, player)
        url = f"sqlite:///{folder / 'comptoir.db'}"
        _furnish(front, url)
        account = mail.account()
        told = f"""
            database_url = "{url}"
            [house]
            name = "Maison Test"
            siren = "999004286"
            email = "{ADDRESS}"
            [telegram]
            base_url = "{chat.base_url}/bot"
            base_file_url = "{chat.base_url}/file/bot"
            [mail]
            """
        known = account.model_dump(mode="json", exclude={"password"})
        told += "\n".join(f"{key} = {json.dumps(value)}" for key, value in known.items() if value is not None)
        (folder / "comptoir.toml").write_text(told, "utf-8")
        environment = os.environ | {
            "PYTHONPATH": str(ROOT), "COMPTOIR_TELEGRAM__TOKEN": chat.token, "COMPTOIR_SECRET_KEY": "a key of ours",
            "COMPTOIR_MAIL__PASSWORD": account.password.get_secret_value(),
        }  # fmt: skip
        with (folder / "desk.log").open("wb") as log:
            command = [sys.executable, "-c", "from bot.cli import app; app(['run'])"]
            front.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _warm(front)
            yield front
        except BaseException:
            sys.stderr.write((folder / "desk.log").read_text("utf-8")[-3000:])
            raise
        finally:
            front.process.terminate()
            front.process.wait(40)
            shutil.rmtree(folder)


def _furnish(front: Front, url: str) -> None:
    """Articles with stock, an agent, and customers with a chat and a mailbox each."""
    db.migrate(url)
    engine, at = db.engine(url), wall_clock()
    with transaction(engine) as session:
        articles = [
            Article(
                sku=f"ART-{number:03d}", name=_name(number),
                unit="pièce", price=Decimal(5 + number % 40), vat_percent=Decimal(20),
            )
            for number in range(ARTICLES)
        ]  # fmt: skip
        agent = Staff(name="Claire", grants=[StaffRole(role=Role.SALES)])
        session.add_all([*articles, agent])
        session.flush()
        for article in articles:
            move(session, article.id, MovementKind.RECEIPT, Decimal(100_000), source="bench", at=at)
        front.agent = front.player.add_user("Claire").id
        session.add(ChatLink(chat_id=front.agent, linked_at=at, staff_id=agent.id))
        for number in range(CUSTOMERS):
            customer = Customer(code=f"C{number}", name=f"Hôtel {number}", credit_limit=None, payment_terms="30 jours")
            customer.contacts.append(Contact(email=f"achats@hotel-{number}.example"))
            session.add(customer)
            session.flush()
            front.customers.append(front.player.add_user(f"Hôtel {number}").id)
            session.add(ChatLink(chat_id=front.customers[-1], linked_at=at, customer_id=customer.id))
    engine.dispose()
    for user in (front.agent, *front.customers):  # they have all written to the bot before
        front.player.say(user, "/aide")
    greeted = front.player.pending_updates()
    _call(front, "getUpdates", offset=greeted[-1]["update_id"] + 1)


def _call(front: Front, method: str, **given: object) -> object:
    answer = httpx.post(f"{front.chat.base_url}/bot{front.chat.token}/{method}", json=given, timeout=30)
    return answer.json()["result"]


def _warm(front: Front) -> None:
    """The desk runs: one order went all the way to both its cards, one mail was read."""
    _order(front, 0)
    _mail(front, 0)


def _bare(front: Front) -> Times:
    """A message to somebody else's chat each time, over one connection."""
    each = []
    with httpx.Client(base_url=f"{front.chat.base_url}/bot{front.chat.token}/") as http:
        for user in front.customers[-30:]:
            time.sleep(0.05)
            begun = time.perf_counter()
            http.post("sendMessage", json={"chat_id": user, "text": "Bonjour"}).raise_for_status()
            each.append(time.perf_counter() - begun)
    return Times(tuple(each[5:]))


def _order(front: Front, number: int) -> float:
    """A customer writes an order; seconds until the agent has its card."""
    after = front.player.mark()
    begun = time.perf_counter()
    front.player.say(
        front.customers[number], f"Bonjour, {3 + number} draps plats blancs 50x70 et 12 torchons gris 50x70 svp"
    )
    front.player.wait_for(front.agent, f"Hôtel {number}\n", after=after, timeout=PATIENCE)
    return time.perf_counter() - begun


def _texts(front: Front) -> Times:
    return Times(tuple(_apart(lambda number: _order(front, number), range(1, 1 + TEXTS))))


def _apart(act: Callable[[int], float], numbers: range) -> Iterator[float]:
    """One after the other, not so fast that the server's own limit of a message a second is what is measured."""
    for number in numbers:
        time.sleep(1.3)
        yield act(number)


def _presses(front: Front) -> Times:
    """The agent looks at every line of his card and goes back, again and again."""
    label = {"there": texts.label("show_lines"), "back": texts.label("show_order")}
    card = front.player.wait_for(front.agent, "Hôtel 0\n", button=label["there"], timeout=PATIENCE)

    def press(number: int) -> float:
        pressed, appears = ("there", "back") if number % 2 == 0 else ("back", "there")
        after = front.player.mark()
        begun = time.perf_counter()
        front.player.press(front.agent, label[pressed], message_id=card.message_id)
        front.player.wait_for(
            front.agent, message_id=card.message_id, button=label[appears], after=after, timeout=PATIENCE
        )
        return time.perf_counter() - begun

    each = []
    for number in range(PRESSES):
        time.sleep(0.3)
        each.append(press(number))
    return Times(tuple(each))


def _mails(front: Front) -> Times:
    return Times(tuple(_apart(lambda number: _mail(front, number), range(1, 1 + MAILS))))


def _mail(front: Front, number: int) -> float:
    """A purchase order as a PDF; seconds from the mail's arrival until the agent has the card of its draft."""
    sender = f"achats@hotel-{100 + number}.example"
    pdf = _purchase_order(number)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ADDRESS, f"Commande BC-{number}"
    mail["Message-ID"], mail["Date"] = f"<bc-{number}-{time.time_ns()}@hotel.example>", datetime.now(UTC)
    mail.set_content("Bonjour,\n\nVeuillez trouver ci-joint notre bon de commande.\n\nCordialement\n")
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"BC-{number}.pdf")
    after = front.player.mark()
    begun = time.perf_counter()
    front.mail.send_as(sender, mail)
    front.player.wait_for(front.agent, f"Hôtel {100 + number}\n", after=after, timeout=PATIENCE)
    return time.perf_counter() - begun


def _purchase_order(number: int) -> bytes:
    """A hotel's own purchase order of eight lines."""
    rows = "".join(
        f"<tr><td>ART-{n:03d}</td><td>{_name(n)}</td><td>{4 + number}</td><td>pièce</td><td>{5 + n % 40},00</td></tr>"
        for n in range(number, number + 8)
    )
    head = "<tr><th>Référence</th><th>Désignation</th><th>Quantité</th><th>Unité</th><th>Prix HT</th></tr>"
    page = f"<h1>Bon de commande BC-{number}</h1><p>Hôtel {100 + number}</p><table border=1>{head}{rows}</table>"
    made: bytes = HTML(string=page).write_pdf()
    return made


def _name(number: int) -> str:
    return f"{NAMES[number % 10]} {COLOURS[number // 10 % 6]} {SIZES[number // 60]}"


def _crowd(front: Front, plain: Times) -> Iterator[Row]:
    """Two hundred customers order in the same moment: when the last one is answered, and in how much memory."""
    crowd = front.customers[30 : 30 + CROWD]
    time.sleep(2)
    assert front.process is not None
    spent = _spent(front.process.pid)
    after = front.player.mark()
    begun = time.perf_counter()

    def order(user: int) -> None:
        front.player.say(
            user, f"Bonjour, {3 + user % 7} draps plats blancs 50x70 et 12 torchons gris 50x70 pour vendredi"
        )

    def answered(user: int) -> float:
        front.player.wait_for(user, "CMD-", after=after, timeout=4 * PATIENCE)
        return time.perf_counter() - begun

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(order, crowd))
    meanwhile = _presses(front)
    with ThreadPoolExecutor(CROWD) as pool:
        found = Times(tuple(pool.map(answered, crowd)))
    calls = [call for call in front.player.calls(after=after) if call.method.startswith("send")]
    memory = _peak(front.process.pid)
    last, bare = max(found.each), plain.median * CROWD
    yield Row(
        f"front: {CROWD} customers at once, all answered", f"{last:.1f} s", "each of them", f"{found.p95:.1f} s",
        last / bare, f"as many bare sendMessages, {bare:.1f} s",
    )  # fmt: skip
    spent = _spent(front.process.pid) - spent
    yield Row(
        "front: press to card repainted, in that crowd", f"{meanwhile.median * 1000:.0f} ms", "p95 <= 2000 ms",
        f"{meanwhile.p95 * 1000:.0f} ms", meanwhile.median / plain.median,
        f"a bare sendMessage, {plain.median * 1000:.1f} ms",
    )  # fmt: skip
    yield Row("front: processor time of each of these orders", f"{spent / CROWD * 1000:.0f} ms", "")
    yield Row("front: memory at its peak", f"{memory:.0f} MB", "<= 400 MB")
    yield Row("front: messages in any second, and refused", f"{_most(calls, 1.0)}, {_refused(calls)}", "<= 30, 0")
    worst = max(_most(mine, 1.0) for mine in _by_chat(calls).values())
    yield Row("front: messages to one chat in any second", f"{worst}", "1")


def _spent(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _peak(pid: int) -> float:
    """The most memory that the desk has had, with what it has started."""
    desk = psutil.Process(pid)
    held = 0
    for process in (desk, *desk.children(recursive=True)):
        status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
        held += next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return held / 1024


def _most(calls: list[Call], seconds: float) -> int:
    """The most calls whose arrivals lie within so many seconds."""
    most, recent = 0, deque[float]()
    for at in sorted(datetime.fromisoformat(call.at).timestamp() for call in calls):
        recent.append(at)
        while recent[0] <= at - seconds:
            recent.popleft()
        most = max(most, len(recent))
    return most


def _refused(calls: list[Call]) -> int:
    return sum(call.code == httpx.codes.TOO_MANY_REQUESTS for call in calls)


def _by_chat(calls: list[Call]) -> dict[object, list[Call]]:
    found: dict[object, list[Call]] = defaultdict(list)
    for call in calls:
        found[call.params.get("chat_id")].append(call)
    return found
