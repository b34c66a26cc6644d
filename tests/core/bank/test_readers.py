"""Three formats say the same; what is not whole, not in euro or does not add up is refused by its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bank import cfonb120, statements
from core.bank.reading import Movement
from core.bank.tables import Layout
from core.errors import Refused
from core.means import PaymentMeans
from core.money import Money
from tests.core.bank.papers import IBAN, PAYER, Line, camt, cfonb, closing, mt940, overpunched, party

WRITERS: dict[Layout, Callable[..., bytes]] = {Layout.CAMT053: camt, Layout.MT940: mt940, Layout.CFONB120: cfonb}
PAID = Line("1480.00", "Facture FA-2026-0951", end_to_end="E2E-77", name="HOTEL BELLEVUE", iban=PAYER)
SENT = Line("-250.10", "Fournisseur")


def refusal(content: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        statements.read(content)
    return refused.value


@pytest.mark.parametrize("layout", list(Layout))
def test_each_format_tells_the_same_of_the_same_payment(layout: Layout) -> None:
    (statement,) = statements.read(WRITERS[layout](PAID, SENT))
    assert (statement.layout, statement.is_of(IBAN), statement.is_of(PAYER)) == (layout, True, False)
    assert (statement.opening, statement.closing) == (Money.of("1000"), Money.of("2229.90"))
    paid, sent = statement.movements
    assert (paid.amount, sent.amount) == (Money.of("1480"), Money.of("-250.10"))
    assert (paid.payer_name, paid.payer_iban, paid.end_to_end) == ("HOTEL BELLEVUE", PAYER, "E2E-77")
    assert "FA-2026-0951" in paid.text
    assert sent.end_to_end == ""


def test_version_08_of_camt_reads_as_version_02() -> None:
    (old,), (new,) = statements.read(camt(PAID, version="02")), statements.read(camt(PAID, version="08"))
    assert [replace(movement, line=0) for movement in old.movements] == [
        replace(movement, line=0) for movement in new.movements
    ]


def bundled(first: str, second: str) -> bytes:
    """One entry of 300.00 that bundles two transfers."""
    details = "".join(
        f'<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt>'
        f"</AmtDtls>{party(Line('0', name=name), new=False)}</TxDtls>"
        for name, amount in (("ONE", first), ("TWO", second))
    )
    whole = camt(Line("300.00")).decode()
    start, end = whole.index("<NtryDtls>"), whole.index("</NtryDtls>")
    return (whole[:start] + f"<NtryDtls>{details}" + whole[end:]).encode()


def test_an_entry_that_bundles_transfers_is_as_many_movements_when_they_add_up() -> None:
    (statement,) = statements.read(bundled("120.00", "180.00"))
    assert [(m.amount, m.payer_name) for m in statement.movements] == [
        (Money.of(120), "ONE"), (Money.of(180), "TWO"),
    ]  # fmt: skip
    (other,) = statements.read(bundled("120.00", "170.00"))
    assert [movement.amount for movement in other.movements] == [Money.of(300)]


def test_what_the_bank_kept_of_a_transfer_is_its_fee() -> None:
    charged = camt(Line("990.00", "FA-2026-0951")).replace(
        b"<NtryDtls>",
        b'<Chrgs><Rcrd><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd></Rcrd>'
        b"</Chrgs><NtryDtls>",
    )
    (statement,) = statements.read(charged)
    assert statement.movements[0].fees == Money.of(10)


@pytest.mark.parametrize("layout", list(Layout))
def test_what_came_back_says_so(layout: Layout) -> None:
    (statement,) = statements.read(WRITERS[layout](Line("-1480.00", "FA-2026-0951", reject="04")))
    assert statement.movements[0].reject


def test_direct_debits_and_pending_entries_are_told_apart() -> None:
    (statement,) = statements.read(camt(Line("80.00", family=("RDDT", "ESDD"))))
    assert statement.movements[0].means is PaymentMeans.DIRECT_DEBIT
    pending = camt(Line("80.00"), Line("20.00")).replace(b"<Sts>BOOK</Sts>", b"<Sts>PDNG</Sts>", 1)
    assert refusal(pending).code == "statement_balance"  # what is not booked yet is not in the balance


def test_mt940_reads_named_and_free_words_too() -> None:
    named = mt940(PAID).replace(
        mt940(PAID).split(b":86:")[1].split(b"\r\n:62F:")[0],
        b"/EREF/RF18539007547034/REMI/FA-2026-\r\n0951/NAME/HOTEL BELLEVUE/IBAN/" + PAYER.encode(),
    )
    movement = statements.read(named)[0].movements[0]
    assert (movement.end_to_end, movement.payer_name, movement.payer_iban) == (
        "RF18539007547034", "HOTEL BELLEVUE", PAYER,
    )  # fmt: skip
    assert "FA-2026-0951" in movement.text
    free = mt940(Line("10.00")).replace(b"166?00VIREMENT?20?21?31?32", b"VIR RECU\r\nHOTEL BELLEVUE")
    assert statements.read(free)[0].movements[0].text == "VIR RECU HOTEL BELLEVUE"


def test_banks_write_the_account_in_several_ways() -> None:
    for written in (IBAN, f"{IBAN[4:9]}/{IBAN[14:25]}", IBAN[4:], f"{IBAN}EUR"):
        assert statements.read(mt940(PAID, account=written))[0].is_of(IBAN)


def spoilt(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new, 1)


BAD: dict[str, tuple[bytes, str, dict[str, Any]]] = {
    "a truncated CFONB line": (
        spoilt(cfonb(PAID), b"NPYHOTEL BELLEVUE" + b" " * 58, b"NPYHOTEL BELLEVUE"), "statement_line_length",
        {"line": 3, "length": 62},
    ),
    "a CFONB without its new balance": (
        b"\r\n".join(cfonb(PAID).splitlines()[:-1]), "statement_unfinished", {"line": 1},
    ),
    "a CFONB in dollars": (cfonb(PAID).replace(b"EUR", b"USD"), "statement_currency", {"line": 1}),
    "a CFONB amount without its sign": (
        spoilt(cfonb(PAID), b"0000000014800{", b"00000000148000"), "statement_not_read", {"line": 2},
    ),
    "CFONB balances that do not add up": (
        spoilt(cfonb(PAID), overpunched(Decimal(1000)).encode(), overpunched(Decimal(999)).encode()),
        "statement_balance", {"line": 7, "expected": Money.of(2480), "found": Money.of(2479)},
    ),
    "MT940 balances that do not add up": (
        spoilt(mt940(PAID), b":62F:C260310EUR2480,00", b":62F:C260310EUR2480,01"), "statement_balance", {"line": 8},
    ),
    "an MT940 movement that is not one": (
        spoilt(mt940(PAID), b"C1480,00NTRF", b"C1480NTRF"), "statement_not_read", {"line": 6},
    ),
    "an MT940 that stops": (mt940(PAID).split(b":62F:")[0], "statement_unfinished", {"line": 3}),
    "an MT940 in Swiss francs": (mt940(PAID).replace(b"EUR", b"CHF"), "statement_currency", {"line": 5}),
    "CAMT balances that do not add up": (
        spoilt(camt(PAID), b">1480.00<", b">1480.01<"), "statement_balance", {"expected": Money.of(2480)},
    ),
    "a CAMT in dollars": (camt(PAID).replace(b'"EUR"', b'"USD"'), "statement_currency", {"line": 8}),
    "a CAMT with a DOCTYPE": (
        camt(PAID).replace(b"<Document", b'<!DOCTYPE Document [<!ENTITY e "x">]>\n<Document', 1), "statement_doctype",
        {},
    ),
    "a CAMT that stops": (camt(PAID)[:-60], "statement_not_read", {"what": "XML"}),
    "a CAMT without balances": (camt(PAID).replace(b"OPBD", b"ITAV"), "statement_not_read", {"what": "Bal"}),
    "a list of customers": (b"code;name\nC1;Bellevue\n", "statement_unknown_format", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_statement_that_cannot_be_trusted_is_refused_by_its_line(case: str) -> None:
    content, code, data = BAD[case]
    refused = refusal(content)
    assert refused.code == code
    assert {name: refused.data[name] for name in data} == data


@given(st.lists(st.integers(-10_000_000, 10_000_000), min_size=1, max_size=6), st.integers(-10_000_000, 10_000_000))
def test_every_signed_amount_survives_the_fixed_width(cents: list[int], opening: int) -> None:
    lines = tuple(Line(str(Decimal(amount).scaleb(-2))) for amount in cents)
    start = str(Decimal(opening).scaleb(-2))
    (statement,) = cfonb120.read(cfonb(*lines, opening=start))
    assert [movement.amount.cents for movement in statement.movements] == cents
    assert statement.closing.amount == closing(lines, start)
    assert all(isinstance(movement, Movement) for movement in statement.movements)
