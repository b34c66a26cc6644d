"""The chart of accounts as data: `[accounting]` of `comptoir.toml` says which account takes what, and its name.

The defaults are those of the general chart (PCG); an accountant's own sub-accounts are named in the settings.
"""

from __future__ import annotations

import importlib.resources
import tomllib
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, Field

from core.vat import VatRate


class Journal(StrEnum):
    """The three books: sales, bank, and what belongs to neither."""

    SALES = "VE"
    BANK = "BQ"
    OTHER = "OD"


#: An account begins with three digits of the general chart (FEC, LPF art. A47 A-1).
Account = Annotated[str, Field(pattern=r"^[1-7]\d{2}[0-9A-Z]*$")]


class Chart(BaseModel):
    """Which account takes what. The most exact key of a map wins.

    `sales` is looked up by article category and VAT (`linge:S20`, then `linge`), then by nature and VAT (`goods:K0`,
    `goods:K`, then `goods`). `vat` is by rate in percent, other rates go to `vat_collected`. `bank_by_means` is by
    UNTDID 4461 code. `journals` gives our journals (VE, BQ, OD) the codes of the program that takes the file,
    `auxiliaries` gives a customer's code the account that he has there, `labels` names accounts.
    """

    customers: Account = "411000"
    deposits_received: Account = "419100"
    vat_collected: Account = "445710"
    vat: dict[str, Account] = {"20": "445711", "10": "445712", "5.5": "445713", "2.1": "445714", "8.5": "445715"}
    vat_pending: Account = "445800"
    sales: dict[str, Account] = {"goods": "707000", "service": "706000"}
    allowances: Account = "709000"
    bank: Account = "512000"
    bank_by_means: dict[str, Account] = {"20": "511200", "48": "511500", "10": "530000"}
    early_discount: Account = "665000"
    interest: Account = "763000"
    recovery: Account = "758000"
    bank_fees: Account = "627000"
    journals: dict[Journal, str] = {}
    auxiliaries: dict[str, str] = {}
    labels: dict[str, str] = {}

    def sales_of(self, category: str, nature: str, rate: VatRate) -> str:
        """The account of what was sold: an article category, goods or services, at this VAT."""
        vat = rate.category.value
        for kind in (category, nature):
            for key in (f"{kind}:{vat}{_plain(rate.percent)}", f"{kind}:{vat}", kind):
                if kind and key in self.sales:
                    return self.sales[key]
        return self.sales["goods"]

    def vat_of(self, percent: Decimal) -> str:
        """The account of the VAT collected at that rate."""
        return self.vat.get(_plain(percent), self.vat_collected)

    def bank_of(self, means: str) -> str:
        """Where money paid that way arrives."""
        return self.bank_by_means.get(means, self.bank)

    def label_of(self, account: str) -> str:
        """The account's name: from the settings, else from the longest known beginning of its number."""
        if account in self.labels:
            return self.labels[account]
        rates = [percent for percent, known in self.vat.items() if known == account]
        if len(rates) == 1:
            return wording("vat", "collected", percent=rates[0].replace(".", ","))
        known = words()["accounts"]
        best = max((start for start in known if account.startswith(start)), key=len, default="")
        return str(known.get(best, account))


def _plain(percent: Decimal) -> str:
    return format(percent.normalize(), "f")


@cache
def words() -> dict[str, dict[str, str]]:
    """What entries, accounts and journals are called; French alone, as the books are."""
    found: dict[str, dict[str, Any]] = tomllib.loads(
        (importlib.resources.files("templates") / "accounting" / "fr.toml").read_text("utf-8")
    )
    return found


def wording(table: str, key: str, **values: str) -> str:
    """One of those names, with its values filled in."""
    return words()[table][key].format(**values)
