"""What customers read: all of it in both languages, with a next step, and fit for a telephone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot import texts
from bot.access import CUSTOMER, PERMISSIONS
from bot.keyboards import NARROW, Press
from core.events import CUSTOMER as AUDIENCE
from core.events import ROUTES

#: The handlers through which customers are answered, and the verbs of the trade that these call.
HANDLERS = (
    "customers", "following", "contesting", "preferences", "receipts", "returns", "chat", "drafts", "deliveries",
    "quotes", "statements", "agreements", "buttons",
)  # fmt: skip
VERBS = (
    "core/orders/drafts.py", "core/orders/decisions.py", "core/orders/revisions.py", "core/deliveries/receipt.py",
    "core/deliveries/reserves.py", "core/deliveries/returns.py", "core/deliveries/substitutes.py", "core/disputes.py",
    "core/reminders.py", "core/quotes.py", "core/payments.py", "core/catalogue.py",
)  # fmt: skip
#: What these modules say to colleagues only.
TO_STAFF = frozenset({
    "acceptance_kept", "batch_line", "batch_nobody", "batch_title", "batch_words", "batches_noted", "decided",
    "dispute_settled", "help_staff", "how_return", "line_what", "linked_staff", "more_proposed", "more_than_ordered",
    "no_quote", "note_filed", "note_verified", "note_with_words", "parcels_noted", "proposed_substitute",
    "quote_revised", "quote_taken_up", "reception_words", "rest_what", "return_agreed", "return_refused",
    "return_registered", "return_words", "shipped", "statement_sent", "substitute_asked", "terms_sent",
    "valid_until_when", "what_batches", "what_parcels", "what_price", "which_article", "which_one",
    "which_substitute", "why_refuse_reserve", "why_refuse_return", "how_many",
})  # fmt: skip
REFUSED_TO_STAFF = frozenset({
    "price_below_limit", "return_announced", "cash_above_limit",
    "date_in_future", "deposit_of_other_customer", "no_price_to_settle", "nothing_due", "price_below_tolerance",
    "price_known", "price_negative", "price_settled", "quarantine_above_left", "quote_not_draft",
    "substitute_other_unit", "substitute_same", "substitute_short", "undo_too_late",
})  # fmt: skip
TEMPLATES = sorted({r.template for routes in ROUTES.values() for r in routes if r.audience == AUDIENCE})
#: How a message tells when its next step comes: a promised time, a day, what it waits for, or that nothing follows.
NEXT_STEP = re.compile(
    r"answer_by|answer_day|rien d'autre à faire|dès (?:que|votre)|sous \d|au départ|suit votre réponse"
    r"|dans la journée|avant le|sans réponse",
    re.IGNORECASE,
)
ANSWER_KEYS = r"(?:\.say|dead_end|texts\.answer)\(\s*\"([a-z_]+)\"|\.ask\(\s*\"[a-z_]+\",\s*\"([a-z_]+)\""


def sources(root: Path, names: tuple[str, ...]) -> str:
    found = [file for name in names for file in (root / name).parent.glob(f"{Path(name).stem}*.py")]
    return "".join(file.read_text("utf-8") for file in found)


def test_u09_every_answer_label_and_refusal_a_customer_meets_is_written_in_english(root: Path) -> None:
    handlers = sources(root, tuple(f"bot/handlers/{name}.py" for name in HANDLERS))
    asked = {key for pair in re.findall(ANSWER_KEYS, handlers) for key in pair if key}
    assert len(asked) > 60
    assert asked - TO_STAFF - set(texts.table("answers", "en")) == set()
    pressed = {action for action, whose in PERMISSIONS.items() if CUSTOMER in whose} & set(texts.table("labels", "fr"))
    shown = sources(root, ("bot/recaps.py", "bot/handlers/following.py", "bot/handlers/contesting.py"))
    pressed |= set(re.findall(r"label_key=\"([a-z_]+)\"", shown))
    assert len(pressed) > 50
    assert pressed - set(texts.table("labels", "en")) == set()
    refused = set(re.findall(r"Refused\(\s*\"([a-z_]+)\"", sources(root, VERBS)))
    assert len(refused) > 30
    assert refused - REFUSED_TO_STAFF - set(texts.table("refusals", "en")) == set()


@pytest.mark.parametrize("template", TEMPLATES)
def test_u01_every_message_to_a_customer_names_what_comes_next_and_when(template: str) -> None:
    said = (texts.FOLDER / "fr" / f"{template}.chat.j2").read_text("utf-8")
    assert NEXT_STEP.search(said), "no next step"
    assert "heures ouvrées" not in said, "a promised time is told, not a delay"


def test_u07_the_labels_of_customers_fit_a_narrow_telephone() -> None:
    told = {
        "reference": "CMD-2026-0412", "number": "FA-2026-0951", "day": "ven. 15 janv.", "until": "18 h 00", "count": 12,
        "kind": "", "name": "", "text": "", "amount": "", "quote": "", "motive": "", "left": "", "quantity": "",
    }  # fmt: skip
    pressed = {action for action, whose in PERMISSIONS.items() if CUSTOMER in whose}
    for language in texts.LANGUAGES:
        for action in pressed & set(texts.table("labels", language)):
            assert len(texts.label(action, language, **told)) <= NARROW, action
    long = Press("reserve_line", label_data={"name": "Levure fraîche de boulanger pain 500 g"})
    assert long.label("fr", NARROW) == "Levure fraîch…pain 500 g"
