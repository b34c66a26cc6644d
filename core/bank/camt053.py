"""CAMT.053 (ISO 20022), versions .02 and .08 as they circulate: elements are found by name, whatever the version.

A file with a DOCTYPE is refused: it could name entities. Only booked entries count.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from lxml import etree

from core.bank.reading import Movement, Statement, bare, not_read, reference, words
from core.bank.tables import Layout
from core.errors import Refused
from core.means import PaymentMeans
from core.money import ZERO, Money, total

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_BYTES = 50_000_000
#: Families of bank transactions that say how it was paid; every other one counts as a transfer.
MEANS = {"RDDT": PaymentMeans.DIRECT_DEBIT, "IDDT": PaymentMeans.DIRECT_DEBIT, "RCHQ": PaymentMeans.CHEQUE,
         "ICHQ": PaymentMeans.CHEQUE, "MCRD": PaymentMeans.CARD, "CCRD": PaymentMeans.CARD}  # fmt: skip
#: Sub-families that say that something came back: unpaid direct debits and cheques, returned transfers.
RETURNED = frozenset({"UPDD", "UPCQ", "UPCT", "RRTN", "PRDD"})


def recognises(content: bytes) -> bool:
    """Whether it is XML that speaks of camt.053."""
    return content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and b"camt.053" in content[:4000]


def read(content: bytes) -> list[Statement]:
    """The statements of the file; refuses what is not well-formed or lacks what a statement must have, by line."""
    if len(content) > MAX_BYTES:
        raise Refused("statement_too_big")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise not_read(error.lineno or 1, "XML") from error
    if root.getroottree().docinfo.doctype:
        raise Refused("statement_doctype")
    return [_statement(found) for found in root.iterfind("{*}BkToCstmrStmt/{*}Stmt")]


def _statement(found: _Element) -> Statement:
    account = _text(found, "Acct/Id/IBAN") or _text(found, "Acct/Id/Othr/Id")
    balances = {_text(balance, "Tp/CdOrPrtry/Cd"): balance for balance in _all(found, "Bal")}
    opening = balances.get("OPBD", balances.get("PRCD"))
    closing = balances.get("CLBD")
    if opening is None or closing is None:
        raise not_read(_line(found), "Bal")
    movements: list[Movement] = []
    for entry in _all(found, "Ntry"):
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
        if status in {"BOOK", ""}:
            movements += _movements(entry)
    return Statement(
        layout=Layout.CAMT053, account=account, number=_text(found, "ElctrncSeqNb") or _text(found, "Id"),
        opened_on=_day(opening, "Dt"), closed_on=_day(closing, "Dt"), opening=_signed(opening),
        closing=_signed(closing), movements=tuple(movements), line=_line(closing),
    )  # fmt: skip


def _movements(entry: _Element) -> list[Movement]:
    """One movement for each transaction that the entry bundles, when their amounts add up to it; else one in all."""
    whole, details = _signed(entry), _all(entry, "NtryDtls/TxDtls")
    amounts = [_detail_amount(detail) for detail in details]
    known = [amount for amount in amounts if amount is not None]
    if len(details) > 1 and len(known) == len(details) and total(known) == max(whole, -whole):
        return [
            _movement(entry, [detail], amount if whole >= ZERO else -amount)
            for detail, amount in zip(details, known, strict=True)
        ]
    return [_movement(entry, details, whole)]


def _movement(entry: _Element, details: list[_Element], amount: Money) -> Movement:
    booked_on = _day(entry, "BookgDt")
    codes = [found for thing in (entry, *details) for found in _all(thing, "BkTxCd/Domn/Fmly")]
    families = {_text(code, "Cd") for code in codes}
    returned = RETURNED & {_text(code, "SubFmlyCd") for code in codes}
    reasons = [_text(detail, "RtrInf/Rsn/Cd") or _text(detail, "RtrInf/Rsn/Prtry") for detail in details]
    reject = next(filter(None, (*reasons, *sorted(returned))), "")
    if amount < ZERO and not reject and _text(entry, "RvslInd") == "true":
        reject = "RVSL"
    said = [_text(entry, "AddtlNtryInf")]
    for detail in details:
        said += [words(one.text or "") for one in _all(detail, "RmtInf/Ustrd")]
        said += [words(one.text or "") for one in _all(detail, "RmtInf/Strd/RfrdDocInf/Nb")]
        said.append(_text(detail, "AddtlTxInf"))
    side = "Dbtr" if amount >= ZERO or reject else "Cdtr"
    return Movement(
        line=_line(entry), booked_on=booked_on, value_on=_day(entry, "ValDt", booked_on), amount=amount,
        text=words(" ".join(said)), end_to_end=reference(_first(details, "Refs/EndToEndId")),
        creditor_reference=bare(_first(details, "RmtInf/Strd/CdtrRefInf/Ref")),
        bank_reference=_first(details, "Refs/AcctSvcrRef") or _text(entry, "AcctSvcrRef"),
        payer_name=_first(details, f"RltdPties/{side}/Nm") or _first(details, f"RltdPties/{side}/Pty/Nm"),
        payer_iban=bare(_first(details, f"RltdPties/{side}Acct/Id/IBAN")), fees=_fees(entry, details, amount),
        reject=reject, means=next((MEANS[code] for code in sorted(families) if code in MEANS), PaymentMeans.TRANSFER),
    )  # fmt: skip


def _fees(entry: _Element, details: list[_Element], amount: Money) -> Money:
    """What the bank kept of a credit before booking it: charges that it says are taken off the amount."""
    if amount <= ZERO:
        return ZERO
    for thing in (*details, entry):
        records = _all(thing, "Chrgs/Rcrd")
        taken = [r for r in records if _text(r, "ChrgInclInd") == "true" and _text(r, "CdtDbtInd") != "CRDT"]
        if taken:
            return total(_amount(record) for record in taken)
    return ZERO


def _detail_amount(detail: _Element) -> Money | None:
    for path in (".", "AmtDtls/TxAmt", "AmtDtls/InstdAmt"):
        found = detail if path == "." else next(iter(_all(detail, path)), None)
        if found is not None and _all(found, "Amt"):
            return _amount(found)
    return None


def _signed(thing: _Element) -> Money:
    amount = _amount(thing)
    return -amount if _text(thing, "CdtDbtInd") == "DBIT" else amount


def _amount(thing: _Element) -> Money:
    found = next(iter(_all(thing, "Amt")), None)
    if found is None:
        raise not_read(_line(thing), "Amt")
    currency = found.get("Ccy", "EUR")
    if currency != "EUR":
        raise Refused("statement_currency", line=_line(found), currency=currency)
    try:
        value = Decimal((found.text or "").strip())
        if not value.is_finite() or value < 0 or value != Money.of(value).amount:
            raise not_read(_line(found), found.text or "Amt")
    except InvalidOperation as error:
        raise not_read(_line(found), found.text or "Amt") from error
    return Money.of(value)


def _day(thing: _Element, name: str, otherwise: date | None = None) -> date:
    written = _text(thing, f"{name}/Dt") or _text(thing, f"{name}/DtTm")
    if not written and otherwise is not None:
        return otherwise
    try:
        return date.fromisoformat(written[:10])
    except ValueError as error:
        raise not_read(_line(thing), f"{name} {written}".strip()) from error


def _all(thing: _Element, path: str) -> list[_Element]:
    return list(thing.iterfind("/".join(f"{{*}}{name}" for name in path.split("/"))))


def _text(thing: _Element, path: str) -> str:
    found = next(iter(_all(thing, path)), None)
    return words(found.text or "") if found is not None else ""


def _first(details: list[_Element], path: str) -> str:
    return next(filter(None, (_text(detail, path) for detail in details)), "")


def _line(thing: _Element) -> int:
    return int(thing.sourceline or 1)
