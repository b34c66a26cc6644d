"""U06: every text that people read is set as its language is set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import templates
from bot import texts
from tests.typography import EMOJI, badly_set, faults

FOLDER = Path(next(iter(templates.__path__)))
MESSAGES = FOLDER / "messages"
#: Other trees with words in them; their apostrophes are the printer's.
PAPERS = sorted((FOLDER / "documents").glob("*.j2"))
#: Dunning, and the mail of the morning.
SOBER = ("digest", "morning", "reminder", "formal_notice", "legal_handover", "payment_reversed")


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_u06_every_template_and_table_of_a_language_is_well_set(language: str) -> None:
    files = sorted(path for path in (MESSAGES / language).iterdir() if path.name != "commands.toml")
    assert len(files) > 40
    assert [fault for path in files for fault in faults(path, language)] == []


def test_u06_one_apostrophe_in_messages_and_one_on_papers() -> None:
    straight, curly = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])"), "\u2019"
    mixed = [path.name for path in (MESSAGES / "fr").iterdir() if curly in path.read_text("utf-8")]
    assert mixed == [], "messages are written with the straight apostrophe, which people type and search"
    labels = (FOLDER / "documents" / "labels.toml").read_text("utf-8").splitlines()
    words = [line for line in labels if not line.lstrip().startswith("#") and straight.search(line)]
    assert words == [], f"papers are printed with the curly apostrophe: {curly}"


def test_u06_dunning_and_the_mail_of_the_morning_have_no_emoji() -> None:
    named = [path for path in MESSAGES.glob("*/*.j2") if path.name.startswith(SOBER)]
    sober = [path for path in named if path.name.startswith(SOBER[2:]) or ".mail." in path.name]
    assert len(sober) >= 7
    assert [path.name for path in sober if EMOJI.search(path.read_text("utf-8"))] == []
    assert not any(EMOJI.search(text) for text in texts.table("subjects", "fr").values())


def test_s14_no_mail_holds_a_link_so_that_none_can_leak_or_be_guessed() -> None:
    sources = [path for path in MESSAGES.rglob("*") if path.suffix in {".j2", ".toml"}]
    assert len(sources) > 150
    links = re.compile(r"https?://|href|\burl\b|tg://|mailto:", re.IGNORECASE)
    elsewhere = {"commands.toml", "link_code.chat.j2"}  # our own command line; a code shown to a colleague in his chat
    told = {path: path.read_text("utf-8") for path in sources if path.name not in elsewhere}
    shown = next(path for path in told if path == MESSAGES / "fr" / "answers.toml")
    told[shown] = "".join(line for line in told[shown].splitlines() if not line.startswith("group_code ="))  # as well
    assert [path.name for path, said in told.items() if links.search(said)] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Prêt ? Oui", "must not break"), ("« oui »", "must not break"), ("Total 1234,50\u00a0€", "U+202F"),
        ("Total 12.50 €", "1 234,50"), ("le 2026-11-23", "in words"), ("Reste None", "program"),
        ("deux  espaces", "one space"), ("{{ name }}", "program"),
    ],
)  # fmt: skip
def test_u06_the_lint_sees_what_is_badly_set(text: str, wrong: str) -> None:
    assert any(wrong in fault for fault in badly_set(text))


def test_u06_the_lint_names_file_line_and_mend(tmp_path: Path) -> None:
    template = tmp_path / "told.chat.j2"
    template.write_text('Bonjour {{ name }}\nTotal: {{ amount }} €{{ " vite!" if late }}\n', "utf-8")
    table = tmp_path / "answers.toml"
    table.write_text('a = "Bien"\nb = "Voila!"\n', "utf-8")
    found = [*faults(template, "fr"), *faults(table, "fr")]
    assert [fault.split(": ")[0] for fault in found] == ["told.chat.j2:2"] * 3 + ["answers.toml:2"]
    assert any("a space before the colon" in fault for fault in found)
    assert any("money or price filter" in fault for fault in found)
    assert any("told.chat.j2" in fault for fault in faults(template, "en"))
