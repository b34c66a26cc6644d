"""Every sentence people read: looked up in `templates/messages/<language>`, filled and typeset.

Nothing here decides anything: codes and values come in, sentences go out. A template is written once, in the few tags
that chats know (`<b> <i> <code> <a> <blockquote>`); mails show the same text between a greeting and a signature, so
that both channels say the same numbers.
"""

from __future__ import annotations

import html
import re
import string
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound

import templates
from core import formats
from core.checks import Finding
from core.clock import PARIS
from core.errors import Comptoir
from core.money import Money

FOLDER = Path(next(iter(templates.__path__))) / "messages"
LANGUAGES = ("fr", "en")
FALLBACK = "fr"
_TIGHT = re.compile(r"(?<=\S) (?=[:;?!€%»](?:\s|$|[<.,)»\]]|\Z))|(?<=«) (?=\S)")
_DOUBLE_STOP = re.compile(r"(?<=\w)\.\.(?!\.)")
_TAG = re.compile(r"<[^>]*>")
_NEXT_CELL = re.compile(r"</t[dh]>\s*<t[dh]>")


def language_of(language: str) -> str:
    """The language we answer in: the one asked for when we write it, else French."""
    return language if language in LANGUAGES else FALLBACK


def typeset(text: str, language: str = FALLBACK) -> str:
    """French sets a space that does not break before `: ; ? ! € %` and inside « »."""
    text = _DOUBLE_STOP.sub(".", text)  # « 2 janv. » at the end of a sentence
    return _TIGHT.sub(formats.NO_BREAK, text) if language_of(language) == "fr" else text


def day(value: date | datetime, language: str = FALLBACK) -> str:
    """A day near today: « mar. 1 déc. »; a past or coming year is named."""
    if isinstance(value, datetime):
        value = value.astimezone(PARIS).date()
    return format_date(value, "EEE d MMM", locale=formats.locale_of(language)).replace(" ", formats.NO_BREAK)


def long_day(value: date, language: str = FALLBACK) -> str:
    """A day with its year: « mardi 1 décembre 2026 »."""
    return format_date(value, "EEEE d MMMM y", locale=formats.locale_of(language)).replace(" ", formats.NO_BREAK)


def clock(value: datetime, language: str = FALLBACK) -> str:
    """A time of day in France: « 9 h 07 »."""
    local = value.astimezone(PARIS)
    if language_of(language) == "fr":
        return f"{local.hour}{formats.NO_BREAK}h{formats.NO_BREAK}{local.minute:02d}"
    return f"{local.hour}:{local.minute:02d}"


def hour(value: datetime, language: str = FALLBACK) -> str:
    """A promised time of day, without its minutes on the full hour in French: « 11 h »."""
    told = clock(value, language)
    return told.removesuffix(f"{formats.NO_BREAK}00") if language_of(language) == "fr" else told


def before(moment: datetime, language: str = FALLBACK, *, at: datetime) -> str:
    """Until when, as people say it at that instant: « avant 11 h », and on another day « mer. 25 nov. avant 11 h »."""
    told = {"time": hour(moment, language), "day": day(moment, language)}
    today = moment.astimezone(PARIS).date() == at.astimezone(PARIS).date()
    return fill(word("before_time" if today else "before_day", language), language, **told)


def shown(value: Any, language: str = FALLBACK, kind: str = "") -> str:  # noqa: PLR0911 - one line a type
    """A value as the language writes it; `kind` says what a bare number or day is: price, percent, clock, long."""
    if isinstance(value, Money):
        return formats.money(value, language)
    if isinstance(value, Decimal):
        if kind == "price":
            return formats.price(value, language)
        return formats.percent(value, language) if kind == "percent" else formats.number(value, language)
    if isinstance(value, datetime):
        return clock(value, language) if kind != "day" else day(value, language)
    if isinstance(value, date):
        return long_day(value, language) if kind == "long" else day(value, language)
    if isinstance(value, tuple | list):
        return ", ".join(shown(item, language, kind) for item in value)
    if isinstance(value, str) and kind in {"payment", "rate", "named"}:
        return clause_value(value, language, kind)
    return "" if value is None else str(value)


def clause_value(value: str, language: str, kind: str) -> str:
    """A clause's normal value in words: payment days, a rate, or a word such as `paid`; others stay as they are."""
    if kind == "named":
        return word(f"clause_{value}", language) if _found("words", f"clause_{value}", language) else value
    if kind == "payment" and (found := re.fullmatch(r"(eom )?(\d+)( eom)?", value)) is not None:
        key = "eom_first" if found[1] else "eom" if found[3] else "days" if int(found[2]) else "cash"
        return word(f"payment_{key}", language).format(days=found[2])
    if kind == "rate" and value.endswith("x"):
        return word("rate_times", language).format(times=value.removesuffix("x"))
    if kind == "rate" and re.fullmatch(r"[\d.]+", value):
        return word("rate_percent", language).format(rate=formats.number(Decimal(value), language))
    return value


class _Sentence(string.Formatter):
    """`{name}` and `{name:price}`; a value that was not given leaves nothing behind."""

    def __init__(self, language: str) -> None:
        self.language = language

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """The value, or nothing."""
        return kwargs.get(str(key), "")

    def format_field(self, value: Any, format_spec: str) -> str:
        """The value as the language writes it."""
        return shown(value, self.language, format_spec)


def fill(sentence: str, language: str = FALLBACK, **data: Any) -> str:
    """The sentence with its values, typeset."""
    return typeset(_Sentence(language_of(language)).vformat(sentence, (), data), language)


@cache
def table(name: str, language: str) -> Mapping[str, Any]:
    """A table of sentences (`labels`, `refusals`, `findings`, `answers`, `words`) in a language."""
    return tomllib.loads((FOLDER / language_of(language) / f"{name}.toml").read_text("utf-8"))


def point(finding: Finding, language: str = FALLBACK) -> str:
    """What its customer may read of a finding about his order; empty for one that is ours alone."""
    if _found("points", finding.code, language) is None:
        return ""
    return _told("points", finding.code, language, {**finding.data, "position": finding.position})


def _found(name: str, key: str, language: str) -> tuple[str, str] | None:
    """The sentence of a key and the language it is in: French where the language asked for does not have it."""
    for tongue in (language_of(language), FALLBACK):
        path = FOLDER / tongue / f"{name}.toml"
        if path.exists() and (found := table(name, tongue).get(key)) is not None:
            return str(found), tongue
    return None


def sentence(name: str, key: str, language: str = FALLBACK) -> str | None:
    """The sentence of a key, in French where the language does not have it; None when nobody wrote it."""
    found = _found(name, key, language)
    return found[0] if found is not None else None


def _told(name: str, key: str, language: str, data: Mapping[str, Any]) -> str:
    text, tongue = _found(name, key, language) or (key, FALLBACK)
    return fill(text, tongue, **data)


def label(action: str, language: str = FALLBACK, **data: Any) -> str:
    """The text of a button; an action that has none shows its own name, which a test forbids."""
    return _told("labels", action, language, data)


def answer(key: str, language: str = FALLBACK, **data: Any) -> str:
    """A short answer or toast."""
    return _told("answers", key, language, data)


def word(key: str, language: str = FALLBACK) -> str:
    """A single word or name that code must put into a sentence: a state, a role, a kind."""
    return sentence("words", key, language) or key


def refusal(error: Comptoir, language: str = FALLBACK, **more: Any) -> str:
    """What a refusal tells the person who asked; `more` adds what the error does not know: a colleague's name."""
    code = error.code if _found("refusals", error.code, language) is not None else "unknown"
    tongue = (_found("refusals", code, language) or ("", FALLBACK))[1]
    data: dict[str, Any] = {"name": word("colleague", tongue), "code": error.code, **error.data, **more}
    if isinstance(findings := data.get("findings"), tuple | list):
        data["findings"] = [short_finding(str(found), tongue) for found in findings]
    for known in ("state", "target", "thing", "role", "field"):
        if isinstance(data.get(known), str):
            data[known] = word(str(data[known]), tongue)
    return _told("refusals", code, language, data)


def short_finding(code: str, language: str = FALLBACK) -> str:
    """What a finding is called in a list."""
    found = table("findings", language).get(code) or table("findings", FALLBACK).get(code) or {}
    return typeset(str(found.get("short", code)), language)


def finding_text(finding: Finding, language: str = FALLBACK) -> str:
    """What a check found, with its numbers, for those who treat the order."""
    code = finding.code
    found = table("findings", language).get(code) or table("findings", FALLBACK).get(code) or {}
    data = {**finding.data, "position": finding.position}
    return fill(str(found.get("text", code)), language, **data)


@cache
def _environment(language: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader([FOLDER / language, FOLDER / FALLBACK]),
        autoescape=lambda name: name is None or not name.endswith(".txt.j2"),  # noqa: S701 - plain text has no tags
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def in_language(kind: str) -> Any:
        return lambda value: shown(value, language, kind)

    made.filters |= {
        "shown": in_language(""), "money": in_language(""), "number": in_language(""), "day": in_language("day"),
        "long": in_language("long"), "clock": in_language("clock"), "price": in_language("price"),
        "percent": in_language("percent"), "word": lambda key: word(str(key), language),
        "iban": formats.grouped,
        "weekday": lambda value: format_date(value, "EEEE", locale=formats.locale_of(language)),
        "weekday_short": lambda value: format_date(value, "EEE", locale=formats.locale_of(language)),
        "hour": lambda value: hour(value, language),
    }  # fmt: skip
    return made


def spoken(key: str) -> frozenset[str]:
    """The whole messages that mean something in any state, in every language: people mix them."""
    return frozenset(word for tongue in LANGUAGES for word in table("menus", tongue)["words"].get(key, ()))


def has_template(name: str, language: str) -> bool:
    """Whether that language's own folder holds the template."""
    return (FOLDER / language / name).exists()


def render(template: str, language: str = FALLBACK, **context: Any) -> str:
    """The chat text of a template, in Telegram's HTML; blank lines at the ends and in threes are taken out."""
    return _rendered(f"{template}.chat.j2", language, context)


def mail_markup(template: str, language: str = FALLBACK, **context: Any) -> str:
    """The body of the mail in the same few tags: the mail's own template where there is one, else the chat's."""
    try:
        return _rendered(f"{template}.mail.j2", language, context)
    except TemplateNotFound:
        return _rendered(f"{template}.chat.j2", language, context)


def _rendered(name: str, language: str, context: Mapping[str, Any]) -> str:
    tongue = language_of(language)
    text = _environment(tongue).get_template(name).render(language=tongue, **context)
    lines = [line.rstrip() for line in formats.sayable(text).strip().splitlines()]
    return typeset(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)), tongue)


def mail_subject(template: str, language: str = FALLBACK, **data: Any) -> str:
    """The subject line of a template, on one line."""
    found = sentence("subjects", template, language) or template
    return " ".join(plain(fill(found, language, **data)).split())


def mail_text(markup: str, language: str = FALLBACK, **context: Any) -> str:
    """The plain text of a mail: greeting, body, signature."""
    tongue = language_of(language)
    made = _environment(tongue).get_template("mail.txt.j2").render(body=plain(markup), language=tongue, **context)
    return typeset(re.sub(r"\n{3,}", "\n\n", made.strip()), tongue) + "\n"


def mail_html(markup: str, language: str = FALLBACK, **context: Any) -> str:
    """The HTML of a mail: the same words, in paragraphs."""
    from markupsafe import Markup

    tongue = language_of(language)
    parts = re.split(r"\n{2,}", markup)
    lines = (part if part.startswith("<table>") else part.replace("\n", "<br>\n") for part in parts)
    paragraphs = [Markup(part) for part in lines]  # noqa: S704 - rendered with autoescape
    made = _environment(tongue).get_template("mail.html.j2").render(paragraphs=paragraphs, language=tongue, **context)
    return typeset(made.strip(), tongue) + "\n"


def plain(markup: str) -> str:
    """The text without its tags, the cells of a table one after another: what a screen reader or a plain mail gets."""
    return html.unescape(_TAG.sub("", _NEXT_CELL.sub(" | ", markup)))


def escape(text: str) -> str:
    """The text as data inside a chat message."""
    return html.escape(formats.sayable(text), quote=False)
