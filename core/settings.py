"""The firm's own settings: `comptoir.toml` for what may be read, the environment or `.env` for secrets."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounting.accounts import Chart
from core.clock import Hours
from core.db import Base
from core.documents import Party
from core.letterheads import Logo, read
from core.parties import Point, Requirement


class House(BaseModel):
    """The supplier itself: its letterhead, its terms of sale, how it invoices, what it asks of purchase orders."""

    name: str = "Comptoir"
    legal_form: str = ""
    capital: str = ""
    trade_register: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "FR"
    siren: str = ""
    siret: str = ""
    vat_number: str = ""
    email: str = ""
    phone: str = ""
    iban: str = ""
    bic: str = ""
    terms_version: str = ""
    terms_date: date | None = None
    penalty_rate: Decimal | None = None
    invoicing: Literal["comptoir", "erp"] = "comptoir"
    erp_layout: Literal[
        "", "csv", "ubl", "sap_idoc", "sap_s4", "sap_b1", "ebp_gestion", "sage_50", "sage_100", "odoo", "dolibarr"
    ] = ""
    handover_folder: str = ""
    erp_invoice_days: int = 0
    erp: dict[str, str] = {}
    platform: Literal["", "folder"] = ""
    platform_folder: str = ""
    vat_franchise: bool = False
    vat_on_debits: bool = False
    eco_contribution: str = ""
    price_tolerance_percent: Decimal = Decimal(0)
    minimum_order: Decimal | None = None
    agent_discount_percent: Decimal = Decimal(5)
    quote_days: int = 30
    exposure_stages: tuple[
        Literal["unpaid", "delivered", "confirmed", "this_order", "receipts", "credit_notes"], ...
    ] = ("unpaid", "delivered", "confirmed", "this_order", "receipts", "credit_notes")
    overdue_days_tolerated: int = 0
    overdue_amount_tolerated: Decimal = Decimal(0)
    reminder_watch_level: int = 2
    reminder_block_level: int = 4
    accent: str = ""
    logo: str = ""
    undo_seconds: int = 60
    auto_confirm_threshold: Decimal = Decimal("0.95")
    auto_confirm_orders: int = 30
    auto_confirm_wait_seconds: int = 120
    deposit_absorption: Literal["first", "pro_rata"] = "first"
    requirements: dict[Point, Requirement] = {}
    creditor_id: str = ""
    early_discount_percent: Decimal | None = None
    early_discount_days: int = 0
    opens: time = time(8)
    closes: time = time(18)
    open_weekdays: str = "12345"
    closed_days: tuple[date, ...] = ()
    answer_hours: int = Field(default=2, ge=1)
    privacy_url: str = ""

    @model_validator(mode="after")
    def _opens_at_all(self) -> Self:
        """Promised times are counted in opening hours: there must be some."""
        if self.opens >= self.closes or not set(self.open_weekdays) & set("1234567"):
            raise ValueError("opens must be before closes, and open_weekdays name a day (1 is Monday)")
        return self

    @property
    def hours(self) -> Hours:
        """When somebody is there."""
        return Hours(self.opens, self.closes, frozenset(map(int, self.open_weekdays)), frozenset(self.closed_days))

    def as_party(self) -> Party:
        """The supplier as printed on a document."""
        return Party(**{name: getattr(self, name) for name in (
            "name", "street", "postcode", "city", "country", "siren", "siret", "vat_number", "email", "phone",
            "legal_form", "capital", "iban", "bic",
        )}, register=self.trade_register)  # fmt: skip

    _folder: Path = PrivateAttr(default_factory=Path)
    _letterhead: Logo | None = PrivateAttr(default=None)

    @property
    def letterhead(self) -> Logo | None:
        """The firm's logo, read once; refuses a missing or broken file, None when `logo` names none."""
        if self.logo and self._letterhead is None:
            self._letterhead = read(self._folder, self.logo)
        return self._letterhead

    @property
    def emblem(self) -> str:
        """The name under which pages show the logo; empty without one."""
        return self.letterhead.name if self.letterhead is not None else ""

    def at_home(self, folder: Path) -> None:
        """Say in which folder the firm's own files stand."""
        self._folder = folder


class MailAccount(BaseModel):
    """The mailbox where orders arrive, and the server that takes our mail.

    `plus_addressing` says that the server delivers `commandes+anything@…` to `commandes@…`: then every mail to a
    customer names its own address to reply to.
    """

    address: str = ""
    imap_host: str = ""
    imap_port: int = 993
    imap_tls: bool = True
    smtp_host: str = ""
    smtp_port: int = 465
    smtp_tls: bool = True
    user: str = ""
    password: SecretStr = SecretStr("")
    folder: str = "INBOX"
    move_to: str = ""
    trusted_authserv_id: str = ""
    max_bytes: int = 25_000_000
    since_days: int = 30
    plus_addressing: bool = True


class Telegram(BaseModel):
    """The bot: its token, and where its server is when it is not Telegram's own.

    With a `webhook_url` updates are posted to us there instead of being asked for: what stands before us in the network
    passes them on to our door at `webhook_host` and `webhook_port`. Without a secret each start makes a new one, which
    does for one instance.
    """

    token: SecretStr = SecretStr("")
    base_url: str = "https://api.telegram.org/bot"
    base_file_url: str = "https://api.telegram.org/file/bot"
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    webhook_host: str = "127.0.0.1"
    webhook_port: int = 8443


class ReadingSettings(BaseModel):
    """How messages are read: the folder of a faster-whisper model, without which voice notes go to a person."""

    voice_model: str = ""
    voice_language: str = "fr"


class Settings(BaseSettings):
    """Everything `comptoir run` needs to know; the environment wins over `.env`, which wins over `comptoir.toml`.

    `imports` holds, for each kind of file, our names of columns and those that the firm's own program writes,
    `accounting` the accounts that entries are written to.
    """

    model_config = SettingsConfigDict(
        env_prefix="COMPTOIR_", env_nested_delimiter="__", env_file=".env", toml_file="comptoir.toml", extra="ignore"
    )

    database_url: str = "sqlite:///comptoir.db"
    secret_key: SecretStr = SecretStr("")
    house: House = House()
    mail: MailAccount = MailAccount()
    telegram: Telegram = Telegram()
    reading: ReadingSettings = ReadingSettings()
    imports: dict[str, dict[str, str]] = {}
    accounting: Chart = Chart()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then `.env`, then `comptoir.toml`."""
        return (init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls))


def load(folder: Path) -> Settings:
    """The settings written in `folder`, which need not hold any file."""

    class Here(Settings):
        model_config = SettingsConfigDict(
            env_file=folder / ".env", toml_file=folder / "comptoir.toml", env_prefix="COMPTOIR_"
        )

    here = Here()
    here.house.at_home(folder)
    return here


class Flag(Base):
    """A fact about this installation that must survive a restart, such as frozen sending after a restore."""

    __tablename__ = "flag"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    at: Mapped[datetime]


SENDING_FROZEN = "sending_frozen"
#: Whether the house charges no VAT (franchise): totals of orders need it where no settings are at hand.
VAT_FRANCHISE = "vat_franchise"


def flag(session: Session, name: str) -> str | None:
    """The flag's value, or None when it is not raised."""
    found = session.get(Flag, name)
    return None if found is None else found.value


def raise_flag(session: Session, name: str, value: str, *, at: datetime) -> None:
    """Raise the flag, or change its value."""
    session.merge(Flag(name=name, value=value, at=at))


def lower_flag(session: Session, name: str) -> None:
    """Take the flag down; it need not be up."""
    found = session.get(Flag, name)
    if found is not None:
        session.delete(found)


def in_franchise(session: Session) -> bool:
    """The house charges no VAT at all, as the settings said when the desk was started last."""
    if VAT_FRANCHISE not in session.info:  # a session asks once, and not line by line
        session.info[VAT_FRANCHISE] = flag(session, VAT_FRANCHISE) == "yes"
    known: bool = session.info[VAT_FRANCHISE]
    return known


def note_franchise(session: Session, house: House, *, at: datetime) -> None:
    """Keep beside the data whether the house is in franchise; what was issued stays as it is."""
    if in_franchise(session) != house.vat_franchise:
        raise_flag(session, VAT_FRANCHISE, "yes" if house.vat_franchise else "no", at=at)
        session.info[VAT_FRANCHISE] = house.vat_franchise
        session.flush()
