"""The playground in a real Chromium: the whole circuit by clicking, by keyboard, on a telephone, in the dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bot import texts
from bot.playground import serve
from bot.playground.firm import Firm
from core.db import transaction
from core.errors import Refused
from core.invoices import Invoice
from core.orders import Order, OrderState

pytestmark = pytest.mark.xdist_group("playground")
Open = Callable[..., Any]


def pane(page: Any, name: str) -> Any:
    return page.get_by_role("region", name=re.compile(name))


def labelled(action: str, **params: object) -> re.Pattern[str]:
    """The name of an action's button, whatever its spaces."""
    return re.compile("^" + r"\s".join(re.escape(word) for word in texts.label(action, **params).split()) + "$")


def press(page: Any, who: str, action: str) -> None:
    pane(page, who).get_by_role("log").get_by_role("button", name=labelled(action)).last.click()


def step_done(page: Any, title: str) -> None:
    item = page.get_by_role("complementary").get_by_role("listitem").filter(has_text=title)
    item.filter(has_text="fait").wait_for()


def test_the_page_serves_this_machine_only_and_lets_nothing_foreign_run(web: httpx.Client) -> None:
    front = web.get("/")
    assert "script-src 'self'" in front.headers["content-security-policy"]
    assert front.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?! type=\"module\" src=\"/)|style=|https?://", front.text)
    assert web.get("/", headers={"host": "comptoir.example"}).status_code == 400
    foreign = web.post("/chats/manager/say", json={"text": "non"}, headers={"origin": "http://elsewhere.example"})
    assert foreign.status_code == 403
    web.post("/chats/manager/say", json={"text": "<img src=x onerror=alert(1)> & <b>gras</b>"})
    told = web.get("/chats/manager").json()
    html = next(m for m in told if "onerror" in m["text"])["html"]
    assert html.startswith("&lt;img src=x onerror=alert(1)&gt; &amp;")
    web.post("/chats/manager/files", files={"file": ("page.html", b"<script>alert(1)</script>", "text/html")})
    sent = next(m for m in web.get("/chats/manager").json() if m["file"])
    assert web.get(f"/files/manager/{sent['id']}").headers["content-disposition"].startswith("attachment")
    letter = next(one for one in web.get("/mails").json() if one["ours"])
    assert "sandbox" in web.get(f"/mails/{letter['key']}/page").headers["content-security-policy"]


@pytest.mark.long
def test_what_cannot_be_done_is_said_and_the_page_lives_on(web: httpx.Client) -> None:
    gone = web.post("/chats/customer/press", json={"message": 999_999, "data": "x", "label": "Confirmer"})
    assert (gone.status_code, "n'existe plus" in gone.json()["error"]) == (409, True)
    assert web.post("/clock", json={"step": "year"}).status_code == 400
    assert web.post("/chats/customer/say", content=b"[").status_code == 400
    assert web.post("/mails", data={"sender": "who@knows.example", "words": "x"}).status_code == 400
    for missing in ("/chats/nobody", "/mails/in-99", "/files/customer/999999"):
        assert web.get(missing).status_code == 404
    assert web.get("/chats/customer").status_code == 200


@pytest.mark.long
def test_a_second_playground_on_the_same_port_says_so(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with pytest.raises(Refused) as refused:
        serve.main(port)
    said = texts.sentence("commands", refused.value.code, "en")
    assert said
    assert f"Port {port} is taken" in said.format_map(refused.value.data)


def test_a_customers_order_is_typed_confirmed_delivered_invoiced_and_paid_by_clicking(
    page: Open, firm: Firm, artefacts: Path
) -> None:
    seen = page()
    paul = pane(seen, "Client Paul")
    paul.get_by_role("textbox", name="Message de Paul").fill(
        "Bonjour, pour jeudi svp 10 cartons de beure doux 82 et 5 sacs farine tradition T65 25kg. Merci"
    )
    paul.get_by_role("button", name="Envoyer en tant que Paul").click()
    step_done(seen, "Paul passe commande")
    seen.screenshot(path=artefacts / "ordered.png")
    press(seen, "Client Paul", "accept_recap")
    step_done(seen, "Paul confirme le récapitulatif")
    press(seen, "Commerciale Claire", "confirm")
    step_done(seen, "Claire confirme la commande")
    seen.get_by_role("button", name="Passer les 60 s").click()
    step_done(seen, "La confirmation part après 60 s")
    press(seen, "Dépôt Marc", "ship")
    step_done(seen, "Marc expédie")
    press(seen, "Client Paul", "verify_delivery")
    step_done(seen, "Paul a tout reçu")
    bill = paul.get_by_role("link", name=re.compile(r"^FA-.*\.pdf"))
    bill.wait_for()
    seen.screenshot(path=artefacts / "invoiced.png", full_page=True)
    last = seen.locator(".pane").last.evaluate("pane => pane.getBoundingClientRect().bottom + scrollY")
    assert (
        seen.evaluate("document.documentElement.scrollHeight") < last + 40
    )  # what only ears read makes no page longer
    fetched = seen.request.get(bill.evaluate("link => link.href"))
    assert fetched.headers["content-type"] == "application/pdf"
    assert fetched.body().startswith(b"%PDF")
    guide = seen.get_by_role("complementary", name="Que faire maintenant ?")
    guide.get_by_role("listitem").filter(has_text="Nadia note le paiement").get_by_role(
        "button", name="Écrire l'exemple"
    ).click()
    seen.keyboard.press("Enter")
    step_done(seen, "Nadia note le paiement")
    seen.screenshot(path=artefacts / "paid.png")
    with transaction(firm.stage.engine) as session:
        invoice = session.scalars(select(Invoice)).one()
        assert session.get_one(Order, invoice.order_id).state is OrderState.CLOSED


@pytest.mark.long
def test_a_telephone_shows_one_pane_at_a_time_and_counts_what_came_in_the_others(page: Open, artefacts: Path) -> None:
    seen = page(360, 740, color_scheme="dark", has_touch=True)
    seen.get_by_role("complementary", name="Que faire maintenant ?").wait_for()
    seen.screenshot(path=artefacts / "narrow-guide-dark.png")
    tabs = seen.get_by_role("navigation", name="Volets")
    tabs.get_by_role("link", name="Client").click()
    seen.screenshot(path=artefacts / "narrow-customer-dark.png")
    assert seen.evaluate("document.documentElement.scrollWidth") == 360
    seen.get_by_role("textbox", name="Message de Paul").fill("Bonjour, 3 sacs de sucre semoule 25 kg pour vendredi")
    seen.get_by_role("button", name="Envoyer en tant que Paul").click()
    tabs.get_by_role("link", name=re.compile("Commerciale.*1 nouveau")).click()
    seen.get_by_role("region", name="Commerciale Claire").get_by_text("CMD-2026-").last.wait_for()
    assert not seen.get_by_role("region", name="Client Paul").is_visible()
    assert seen.evaluate("document.documentElement.scrollWidth") == 360
    seen.screenshot(path=artefacts / "narrow-sales-dark.png")


@pytest.mark.long
def test_a_mail_with_an_order_is_written_read_and_answered_in_the_mailbox(
    page: Open, firm: Firm, artefacts: Path
) -> None:
    seen = page(1440, 1640, color_scheme="dark")
    box = seen.get_by_role("region", name=re.compile("^Courrier"))
    box.get_by_role("button", name="Écrire un mail").click()
    box.get_by_role("button", name="Joindre le bon de commande d'exemple").click()
    box.get_by_text("BC_4500123.pdf").wait_for()
    box.get_by_role("button", name="Envoyer le mail").click()
    step_done(seen, "L'Hôtel Bellevue écrit un mail")
    letters = box.get_by_role("list", name=re.compile("^Mails"))
    letters.get_by_role("button", name=re.compile("Envoyé.*CMD-.*achats@hotel-bellevue")).first.click()
    box.get_by_role("heading", name=re.compile("CMD-")).wait_for()
    seen.frame_locator("#mail iframe").get_by_text("n'est pas une confirmation").wait_for()
    seen.screenshot(path=artefacts / "mail-dark.png")
    box.get_by_role("button", name="Répondre en tant que client").click()
    box.get_by_role("textbox", name="Message").fill("Merci, livrez plutôt mardi.")
    box.get_by_role("button", name="Envoyer le mail").click()
    letters.get_by_role("button", name=re.compile("Reçu Re: ")).wait_for()
    thread = [letter for letter in firm.letters() if "Bon de commande" in letter.header("Subject")]
    receipt = next(letter for letter in thread if letter.ours)
    answer = [letter for letter in thread if not letter.ours][-1]
    assert answer.header("In-Reply-To") == receipt.header("Message-ID")


@pytest.mark.long
def test_a_file_is_dropped_a_card_answered_and_a_message_changed(page: Open, firm: Firm) -> None:
    seen = page()
    marc, paul = pane(seen, "Dépôt Marc"), pane(seen, "Client Paul")
    seen.evaluate("""() => { const data = new DataTransfer();
        data.items.add(new File(["12 cartons"], "note.txt", { type: "text/plain" }));
        document.getElementById("warehouse").dispatchEvent(
            new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })); }""")
    marc.get_by_role("button", name="Retirer note.txt").wait_for()
    marc.get_by_role("button", name="Envoyer en tant que Marc").click()
    link = marc.get_by_role("log").get_by_role("link", name=re.compile("^note.txt"))
    assert seen.request.get(link.evaluate("link => link.href")).body() == b"12 cartons"
    paul.get_by_role("textbox", name="Message de Paul").fill("Bonjour, 4 sacs de sucre glace 10 kg pour vendredi")
    seen.keyboard.press("Enter")
    paul.get_by_text("Sucre glace amylacé").last.wait_for()
    paul.get_by_role("button", name=re.compile(r"^Modifier à «\sBonjour, 4 sacs")).last.click()
    paul.get_by_role("textbox", name="Message de Paul").fill("Bonjour, 6 sacs de sucre glace 10 kg pour vendredi")
    seen.keyboard.press("Enter")
    paul.locator("b", has_text="6 sacs").last.wait_for()
    paul.get_by_role("button", name=re.compile("^Répondre")).last.click()
    paul.get_by_text(re.compile("^En réponse à")).wait_for()
    seen.keyboard.type("ajoute 1 sac de cassonade")
    seen.keyboard.press("Enter")
    paul.get_by_text("Cassonade").last.wait_for()
    typed = next(one for one in reversed(firm.chat("customer")) if one.mine)
    assert typed.reply_to is not None


#: Text whose contrast with what is behind it is below 4.5, or 3 where it is large (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const parse = (c) => { const [r, g, b, a = 1] = c.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const light = (c) => { const f = (v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const poor = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest("[disabled], [aria-busy=true], .unseen")) continue;
    const style = getComputedStyle(e);
    const size = parseFloat(style.fontSize);
    const [high, low] = [light(parse(style.color)), light(behind(e))].sort((a, b) => b - a);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if ((high + .05) / (low + .05) < least) poor.add(`${e.tagName}.${e.className} ${e.textContent.slice(0, 30)}`);
  }
  return [...poor];
}"""


@pytest.mark.long
def test_who_cannot_see_finds_landmarks_names_and_contrast(page: Open) -> None:
    seen = page()
    tree = seen.locator("body").aria_snapshot()
    for landmark in ("banner:", 'navigation "Volets"', 'complementary "Que faire maintenant ?"', "main:",
                     'region "Client Paul"', 'region "Commerciale Claire"', 'region "Dépôt Marc"',
                     'region "Comptabilité Nadia"', 'region "Direction Étienne"', 'region "Courrier',
                     'log "Messages de Paul (client)"', 'textbox "Message de Paul"', "status",
                     "progressbar"):  # fmt: skip
        assert landmark in tree, landmark
    nameless = re.findall(r"^\s*- (?:button|link|textbox|combobox|img)(?: \[.*\])?:?$", tree, re.MULTILINE)
    assert nameless == []
    assert len(re.findall(r'^\s*- heading ".*" \[level=1\]', tree, re.MULTILINE)) == 1
    for scheme in ("light", "dark"):
        seen.emulate_media(color_scheme=scheme)
        assert seen.evaluate(CONTRAST) == []


#: The name of what has the focus, and whether that can be seen.
FOCUSED = """() => { const e = document.activeElement;
  const outlined = (one) => getComputedStyle(one).outlineStyle !== "none";
  return [e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? e.textContent.trim().slice(0, 60),
          e.matches(":focus-visible") && (outlined(e) || outlined(e.parentElement))]; }"""


def tab_to(page: Any, name: str | re.Pattern[str], *, key: str = "Tab", most: int = 80) -> None:
    """Press Tab until something of that name has the focus, which can be seen at each stop."""
    stops = []
    for _ in range(most):
        page.keyboard.press(key)
        label, visible = page.evaluate(FOCUSED)
        assert visible, f"the focus on {label!r} cannot be seen"
        stops.append(label)
        if re.search(name, label):
            return
    raise AssertionError(f"{name} is not reached: {stops}")


@pytest.mark.long
def test_an_order_is_typed_accepted_and_confirmed_with_the_keyboard_alone(page: Open) -> None:
    seen = page()
    paul, claire = (seen.get_by_role("log", name=f"Messages de {name}") for name in ("Paul", "Claire"))
    accepted = paul.locator("b", has_text="Envoyée à")
    before = accepted.count()
    tab_to(seen, "^Aller aux conversations$")
    seen.keyboard.press("Enter")
    tab_to(seen, "^Message de Paul$")
    seen.keyboard.type("Bonjour, 2 cartons de crème liquide 35 % pour vendredi svp")
    seen.keyboard.press("Enter")
    paul.get_by_text("Crème liquide UHT 35 %").last.wait_for()
    tab_to(seen, labelled("accept_recap"), key="Shift+Tab")
    seen.keyboard.press("Enter")
    accepted.nth(before).wait_for()
    assert seen.evaluate("document.activeElement.closest('.log') !== null"), "the repainted card keeps the focus"
    tab_to(seen, "^Commandes$")  # out of the log, through the rest of the pane: no trap
    seen.keyboard.press("Enter")
    paul_commands = seen.get_by_role("region", name="Client Paul").get_by_role("button", name="/aide")
    paul_commands.wait_for()
    seen.keyboard.press("Escape")
    paul_commands.wait_for(state="hidden")
    tab_to(seen, labelled("confirm"))
    seen.keyboard.press("Enter")
    claire.get_by_role("button", name=labelled("undo", seconds=60)).wait_for()
