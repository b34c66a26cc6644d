"""`comptoir init`: ask what is needed, write `comptoir.toml` and `.env`, make the database. Secrets are never shown."""

from __future__ import annotations

import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
import typer

from core import db
from core.errors import Refused
from core.identifiers import valid
from core.settings import load


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know: where it is written, how it is asked, and how it is checked."""

    key: str
    asked: str
    default: str = ""
    check: str = ""
    secret: bool = False


QUESTIONS = (
    Question("house.name", "Name of the firm"),
    Question("house.legal_form", "Legal form (SAS, SARL…)"),
    Question("house.capital", "Capital (50 000 €)"),
    Question("house.trade_register", "Trade register (RCS Lyon 999 004 286)"),
    Question("house.street", "Street"),
    Question("house.postcode", "Postcode"),
    Question("house.city", "City"),
    Question("house.siren", "SIREN", check="siren"),
    Question("house.siret", "SIRET", check="siret"),
    Question("house.vat_number", "VAT number", check="vat_number"),
    Question("house.email", "Mail address on papers"),
    Question("house.phone", "Telephone on papers"),
    Question("house.iban", "IBAN", check="iban"),
    Question("house.bic", "BIC"),
    Question("house.invoicing", "Who issues the invoices (comptoir or erp)", default="comptoir"),
    Question("mail.address", "Address of the mailbox for orders"),
    Question("mail.imap_host", "IMAP server"),
    Question("mail.smtp_host", "SMTP server"),
    Question("mail.user", "User of the mailbox"),
    Question("mail.password", "Password of the mailbox", secret=True),
    Question("telegram.token", "Token from @BotFather", secret=True),
    Question("database_url", "Database", default="sqlite:///comptoir.db"),
)
#: A database address may hold a password: it goes where secrets go.
IN_ENV = {"database_url"}


def run(folder: Path, answers: Path | None = None) -> None:
    """Write both files into `folder` and migrate the database; refuses to replace a file unless a person agrees."""
    given = _flat(tomllib.loads(answers.read_text("utf-8"))) if answers is not None else None
    toml, env = folder / "comptoir.toml", folder / ".env"
    for path in (toml, env):
        if path.exists() and (given is not None or not typer.confirm(f"{path.name} is there already. Replace it?")):
            raise Refused("file_exists", file=path.name)
    found = {question.key: _answer(question, given) for question in QUESTIONS}
    for key in sorted(set(given or ()) - found.keys()):
        found[key] = (given or {})[key]
    _write_env(env, found)
    _write_toml(toml, found)
    settings = load(folder)
    db.migrate(settings.database_url)
    typer.echo("comptoir.toml and .env are written, the database is ready. Next: comptoir import staff FILE.csv")


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{above}{name}.")
        else:
            found[above + name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def _answer(question: Question, given: dict[str, str] | None) -> str:
    while True:
        if given is not None:
            answer = given.get(question.key, question.default)
        else:
            answer = typer.prompt(
                question.asked, default=question.default, hide_input=question.secret, show_default=not question.secret
            )
        answer = answer.strip()
        if not question.check or not answer:
            return answer
        try:
            return valid(question.check, answer)
        except Refused as error:
            if given is not None:
                raise
            typer.echo(f"That is not valid: {error}", err=True)


def _write_env(path: Path, found: dict[str, str]) -> None:
    """The secrets, readable by their owner alone from the first byte on."""
    lines = {_variable(key): found[key] for key in found if _in_env(key) and found[key]}
    lines["COMPTOIR_SECRET_KEY"] = secrets.token_urlsafe(32)
    path.unlink(missing_ok=True)
    path.touch(0o600, exist_ok=False)
    path.write_text("".join(f"{name}={_quoted(value)}\n" for name, value in lines.items()), "utf-8")


def _in_env(key: str) -> bool:
    return key in IN_ENV or any(question.key == key and question.secret for question in QUESTIONS)


def _variable(key: str) -> str:
    return "COMPTOIR_" + key.replace(".", "__").upper()


def _quoted(value: str) -> str:
    """The value as python-dotenv reads it back, whatever it holds."""
    if "\n" in value or "\r" in value:
        raise Refused("answer_invalid")
    literal = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + literal.replace("${", "${:-$}{") + "'"  # even between quotes it would put a variable in


def _write_toml(path: Path, found: dict[str, str]) -> None:
    document = tomlkit.document()
    document.add(tomlkit.comment("Comptoir: what may be read. Secrets are in .env."))
    for key, value in found.items():
        if _in_env(key) or not value:
            continue
        section, _, name = key.rpartition(".")
        table: Any = document
        if section:
            if section not in document:
                document.add(section, tomlkit.table())
            table = document[section]
        table[name] = value
    path.write_text(tomlkit.dumps(document), "utf-8")
