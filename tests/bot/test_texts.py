"""Every sentence that code can ask for exists, reads well and is set as French is set."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot import texts
from core.checks import Finding, Service, Severity
from core.errors import IllegalTransition, Refused
from core.events import CUSTOMER, ROUTES
from core.money import Money

SOURCES = ("core", "intake", "bot")
NB, THIN = "\u00a0", "\u202f"
FORBIDDEN_FOR_CUSTOMERS = re.compile(r"bloqu|blocked|encours|plafond", re.IGNORECASE)
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
CUSTOMER_TEMPLATES = sorted({r.template for routes in ROUTES.values() for r in routes if r.audience == CUSTOMER})
STAFF_TEMPLATES = sorted({r.template for routes in ROUTES.values() for r in routes if r.audience != CUSTOMER})


def found_in_source(root: Path, pattern: str) -> set[str]:
    return {
        code
        for folder in SOURCES
        for path in (root / folder).rglob("*.py")
        for code in re.findall(pattern, path.read_text("utf-8"))
    }


@pytest.mark.parametrize("template", CUSTOMER_TEMPLATES)
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_customers_read_every_message_in_their_language(template: str, language: str) -> None:
    assert texts.has_template(f"{template}.chat.j2", language)
    assert template in texts.table("subjects", language)


@pytest.mark.parametrize("template", STAFF_TEMPLATES)
def test_the_house_reads_every_message_in_french(template: str) -> None:
    assert texts.has_template(f"{template}.chat.j2", "fr")
    assert template in texts.table("subjects", "fr")


def test_every_refusal_has_its_sentence(root: Path) -> None:
    codes = found_in_source(root, r"\bRefused\(\s*\"([a-z_]+)\"") | {"illegal_transition"}
    assert len(codes) > 40
    at_the_command_line = set(texts.table("commands", "en"))  # said by `comptoir` alone, which speaks English
    assert codes - set(texts.table("refusals", "fr")) - at_the_command_line == set()


def test_every_finding_has_its_sentence(root: Path) -> None:
    source = "".join(file.read_text("utf-8") for file in (root / "core" / "checks").glob("*.py"))
    codes = set(re.findall(r"(?:accounting|commercial)\(\s*\"([a-z_]+)\"", source))
    codes |= set(re.findall(r"code = \"([a-z_]+)\" if .* else \"[a-z_]+\"", source)) | {"deposit_due"}
    assert len(codes) > 15
    sentences = texts.table("findings", "fr")
    assert codes - set(sentences) == set()
    assert all({"text", "short"} <= set(sentences[code]) for code in codes)


def test_every_reason_of_the_quarantine_has_its_sentence(root: Path) -> None:
    codes = found_in_source(root, r"NotUnderstood\(\s*\"([a-z_]+)\"")
    assert codes - set(texts.table("reasons", "fr")) == set()


def test_every_action_of_a_button_has_a_label(root: Path) -> None:
    actions = found_in_source(root, r"\bPress\(\s*\"([a-z_]+)\"") | found_in_source(root, r"Remedy\(\s*\"([a-z_]+)\"")
    assert len(actions) > 20
    assert actions - {"settle_price"} - set(texts.table("labels", "fr")) == set()


def test_labels_fit_a_narrow_screen() -> None:
    long = {key: text for key, text in texts.table("labels", "fr").items() if len(text) > 32}
    assert long == {}


def test_the_tables_of_english_only_hold_keys_that_french_has() -> None:
    for name in ("labels", "words", "refusals", "answers", "subjects"):
        assert set(texts.table(name, "en")) - set(texts.table(name, "fr")) == set()


def test_an_english_customer_reads_french_where_nothing_else_is_written() -> None:
    assert texts.refusal(Refused("own_request"), "en") == texts.refusal(Refused("own_request"))
    assert texts.label("accept_recap", "de") == "Confirmer"


def test_numbers_days_and_hours_read_as_french_people_write_them() -> None:
    assert texts.shown(Money.of("1234.5")) == f"1{THIN}234,50{NB}€"
    assert texts.shown(Money.of("1234.5"), "en") == "€1,234.50"
    assert texts.day(date(2026, 12, 1)) == f"mar.{NB}1{NB}déc."
    assert texts.clock(datetime(2026, 11, 24, 8, 7, tzinfo=UTC)) == f"9{NB}h{NB}07"
    assert texts.shown(Decimal("2.5"), "fr", "price") == f"2,50{NB}€"
    assert texts.shown(Decimal(30), "fr", "percent") == f"30{NB}%"


def test_spaces_before_french_signs_do_not_break() -> None:
    assert texts.typeset("Prêt ? Oui ; non : « ok » !") == f"Prêt{NB}? Oui{NB}; non{NB}: «{NB}ok{NB}»{NB}!"
    assert texts.typeset("<b>Objet</b> : 5 % <i>x</i>") == f"<b>Objet</b>{NB}: 5{NB}% <i>x</i>"
    assert texts.typeset("Ready ?", "en") == "Ready ?"


def test_refusals_name_people_states_and_findings() -> None:
    at = datetime(2026, 11, 24, 8, 7, tzinfo=UTC)
    said = texts.refusal(Refused("already_confirmed", by=3, at=at), name="Léa")
    assert said == f"Déjà confirmée par Léa à 9{NB}h{NB}07."
    said = texts.refusal(IllegalTransition(thing="order", state="confirmed", target="draft"))
    assert "la commande est confirmée" in said
    said = texts.refusal(Refused("order_blocked", reference="CMD-2026-0001", findings=("overdue", "price_differs")))
    assert "factures échues, écart de prix" in said
    assert "Rien n'a été modifié" in texts.refusal(Refused("never_heard_of"))


def test_a_finding_is_told_with_its_numbers() -> None:
    data = {"count": 2, "amount": Money.of(2310), "days": 41, "numbers": ("FA-2026-0871", "FA-2026-0902")}
    finding = Finding("overdue", Service.ACCOUNTING, Severity.BLOCK, data=data)
    expected = f"Échu{NB}: 2{THIN}310,00{NB}€ (FA-2026-0871, FA-2026-0902), le plus ancien depuis 41 j"
    assert texts.finding_text(finding) == expected
    finding = Finding(
        "price_differs", Service.COMMERCIAL, Severity.BLOCK, 3,
        {"sku": "A", "ours": Decimal("2.25"), "theirs": Decimal("2.1")},
    )  # fmt: skip
    assert texts.finding_text(finding) == f"L3 A{NB}: prix du bon 2,10{NB}€ ≠ tarif 2,25{NB}€"


def french_files() -> list[Path]:
    return sorted((texts.FOLDER / "fr").iterdir())


def visible(path: Path) -> str:
    """What people read of a file: without Jinja, tags, keys and comments."""
    text = path.read_text("utf-8")
    if path.suffix == ".toml":
        values: list[str] = []

        def walk(table: object) -> None:
            if isinstance(table, dict):
                for value in table.values():
                    walk(value)
            else:
                values.append(str(table))

        walk(tomllib.loads(text))
        return "\n".join(re.sub(r"\{[^}]*\}", "x", value) for value in values)
    text = re.sub(r"<style.*?</style>| style=\"[^\"]*\"", "", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}", "", re.sub(r"\{\{.*?\}\}", "x", text, flags=re.DOTALL), flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "", text)


@pytest.mark.parametrize("path", french_files(), ids=lambda path: path.name)
def test_typography_of_every_french_file(path: Path) -> None:
    text = visible(path)
    assert not re.search(r"\w[?!;»](?!\w)", text), "a sign without its space"
    assert not re.search(r"\w:(?=\s)", text), "a colon without its space"
    assert not re.search(r"«\S", text.replace("« ", "")), "an opening quote without its space"
    assert "..." not in text
    assert '"' not in text
    set_text = texts.typeset(text)
    assert not re.search(r"\S [?!;:€%»](\s|$)", set_text)


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("template", CUSTOMER_TEMPLATES)
def test_customers_are_never_told_what_is_ours_to_know(template: str, language: str) -> None:
    for form in ("chat", "mail"):
        path = texts.FOLDER / language / f"{template}.{form}.j2"
        if path.exists():
            assert not FORBIDDEN_FOR_CUSTOMERS.search(visible(path))
            assert not re.search(r"\b(tu|ton|ta|tes|toi)\b", visible(path), re.IGNORECASE)
            assert not EMOJI.search(visible(path))


def test_a_mail_says_the_same_in_text_and_in_html() -> None:
    markup = "<b>Facture</b> : 12,00 €\nÉchéance demain\n\nMerci &amp; à bientôt"
    from core.settings import House

    shared = {"house": House(name="Delorme", phone="04"), "greeting": True, "signature": True, "automatic": True}
    text = texts.mail_text(markup, reference="CMD-1", **shared)
    html = texts.mail_html(markup, reference="CMD-1", **shared)
    assert text.startswith("Bonjour,\n\nFacture")
    assert "Merci & à bientôt" in text
    assert "<b>Facture</b>" in html
    assert re.sub(r"\s+", " ", texts.plain(html.split("<body", 1)[1])).count("Échéance demain") == 1
    assert "<img" not in html
