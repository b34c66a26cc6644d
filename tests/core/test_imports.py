"""Imports of CSV files: all or nothing, twice is once, every wrong cell named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from core import journal, payments, sale_terms, stock
from core.catalogue import Article, article_by_sku, remember_alias
from core.db import transaction
from core.errors import Refused
from core.imports import ImportRefused, Report, import_file
from core.journal import SYSTEM, JournalEntry
from core.means import PaymentMeans
from core.money import ZERO, Money
from core.parties import Customer, Point, Requirement, Role, Staff, customer_by_code
from core.payments import OpenItem
from core.sale_terms import HowAccepted
from core.settings import House
from core.stock import MovementKind, StockMovement
from core.vat import Nature, Regime, VatCategory, VatRate
from tests.core.builders import Trade

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SUPPLIER = Path(__file__).resolve().parents[2] / "bot" / "demo" / "supplier"
CUSTOMERS = "code;name;emails;payment_terms;credit_limit\n"
ARTICLES = "sku;name;unit;price;vat_rate;stock;packagings;aliases\n"
ITEMS = "customer,number,date,due_date,gross,paid\n"


def take(engine: Engine, kind: str, content: str | bytes, *, as_of: date | None = None, at: datetime = AT) -> Report:
    raw = content.encode() if isinstance(content, str) else content
    with transaction(engine) as session:
        return import_file(session, kind, raw, as_of=as_of, by=SYSTEM, at=at)


def refused(engine: Engine, kind: str, content: str | bytes, **given: date) -> list[str]:
    with pytest.raises(ImportRefused) as error:
        take(engine, kind, content, **given)
    return str(error.value).splitlines()


def entries(engine: Engine) -> int:
    with transaction(engine) as session:
        return session.scalars(select(func.count(JournalEntry.seq))).one()


def level(engine: Engine, sku: str) -> Decimal:
    with transaction(engine) as session:
        return stock.lock_level(session, article_by_sku(session, sku).id).on_hand


@pytest.fixture
def martin(engine: Engine) -> None:
    take(engine, "customers", CUSTOMERS + "C001;Boulangerie Martin;a@martin.example;30 jours;3000\n")


def test_the_sample_suppliers_files_are_taken_in_and_the_second_time_changes_nothing(engine: Engine) -> None:
    for kind in ("staff", "customers", "catalogue", "open-items"):
        content = (SUPPLIER / f"{kind}.csv").read_bytes()
        first = take(engine, kind, content, as_of=AT.date())
        assert first.added > 3
        before = entries(engine)
        again = take(engine, kind, content, as_of=AT.date())
        assert again.empty
        assert again.unchanged == first.added
        assert entries(engine) == before
    with transaction(engine) as session:
        assert article_by_sku(session, "FAR-T55-25").price == Decimal("17.6")
        assert session.scalar(select(func.count(Article.id))) == 155
        hotel = customer_by_code(session, "C002")
        assert [c.email for c in hotel.contacts if c.email] == [
            "achats@hotel-bellevue.example",
            "direction@hotel-bellevue.example",
        ]
        assert hotel.addresses[0].street == "7 impasse des Lavandes"
        assert hotel.recap_policy is Requirement.NOTED
        assert Role.ADMIN in session.scalars(select(Staff).where(Staff.name == "Étienne Delorme")).one().roles
        assert journal.first_broken(session) is None


def test_the_shared_samples_are_taken_in_as_they_are(engine: Engine, shared: Path) -> None:
    folder = shared / "samples" / "intake" / "stationery"
    assert take(engine, "customers", (folder / "customers.csv").read_bytes()).added == 25
    assert take(engine, "catalogue", (folder / "catalogue.csv").read_bytes()).added == 239


def test_a_file_in_windows_1252_with_semicolons_and_decimal_commas_is_read(engine: Engine) -> None:
    content = (ARTICLES + "ÉPO-1;Éponge « œuf »;pièce;1 234,5678;5,5;12,5;carton=10;\n").encode("cp1252")
    take(engine, "catalogue", content)
    with transaction(engine) as session:
        article = article_by_sku(session, "ÉPO-1")
        assert (article.name, article.price, article.vat_percent) == (
            "Éponge « œuf »",
            Decimal("1234.5678"),
            Decimal("5.5"),
        )
    assert level(engine, "ÉPO-1") == Decimal("12.5")


def test_every_wrong_cell_is_named_at_once_and_nothing_is_half_imported(engine: Engine) -> None:
    content = (
        "code,name,siren,siret,vat_number,emails,payment_terms,credit_limit,recap_policy\n"
        "C001,Good,,,,,30 jours,100,noted\n"
        "C002,,123456789,,,x@y,quand je peux,-1,parfois\n"
        "C001,Twice,999104276,99921837300028,FR14999218373,,,1.234,\n"
        "C003,short\n"
    )
    lines = refused(engine, "customers", content)
    assert [line.split(":", 1)[0] for line in lines] == [
        "line 3, credit_limit",
        "line 3, emails",
        "line 3, name",
        "line 3, payment_terms",
        "line 3, recap_policy",
        "line 3, siren",
        "line 4, code",
        "line 4, credit_limit",
        "line 4, siret",
        "line 4, vat_number",
        "line 5",
    ]
    with transaction(engine) as session:
        assert session.scalar(select(func.count(Customer.id))) == 0
    assert entries(engine) == 0


def test_wrong_articles_are_named(engine: Engine) -> None:
    content = (
        "sku,name,unit,price,vat_rate,gtin,packagings,stock\n"
        "A,a,u,-1,20,,,\n"
        "B,b,u,1.1234567,20,,,\n"
        "C,c,u,1,19,2003684766530,carton,-3\n"
        "a,d,u,1,0,,carton=0,x\n"
    )
    named = [line.split(":", 1)[0] for line in refused(engine, "catalogue", content)]
    assert named == [
        "line 2, price",
        "line 3, price",
        "line 4, gtin",
        "line 4, packagings",
        "line 4, stock",
        "line 4, vat_rate",
        "line 5, packagings",
        "line 5, sku",
        "line 5, stock",
        "line 5, vat_rate",
    ]


def test_missing_and_doubled_columns_are_named_and_unknown_ones_noted(engine: Engine) -> None:
    assert refused(engine, "customers", "code,phone,phone\n") == [
        "line 1, name: this column is missing",
        "line 1, phone: this column is there twice",
    ]
    report = take(engine, "customers", "code,name,colour\nC001,Martin,blue\n")
    assert [str(note) for note in report.notes] == ["line 1, colour: this column is not known and was not read"]


def test_bytes_that_are_no_text_are_refused(engine: Engine) -> None:
    with pytest.raises(Refused, match="import_encoding_unknown"):
        take(engine, "customers", b"code,name\nC001,\x81\x8d\n")
    with pytest.raises(Refused, match="import_encoding_unknown"):
        take(engine, "customers", b"code,name\nC001,a\0b\n")


def test_terms_above_the_legal_maximum_are_taken_and_noted(engine: Engine) -> None:
    report = take(engine, "customers", CUSTOMERS + "C1;A;;90 jours;\nC2;B;;60 jours fin de mois;\nC3;C;;60 jours;\n")
    assert [(note.line, note.column) for note in report.notes] == [(2, "payment_terms"), (3, "payment_terms")]
    assert report.added == 3


def test_terms_above_what_perishables_allow_are_noted_by_line_and_column(engine: Engine) -> None:
    head = "sku;name;unit;price;vat_rate;payment_limit\n"
    with pytest.raises(ImportRefused) as wrong:
        take(engine, "catalogue", head + "A;Lait;l;1;5,5;frais\n")
    assert [(one.line, one.column) for one in wrong.value.problems] == [(2, "payment_limit")]
    take(engine, "customers", CUSTOMERS + "C1;A;;60 jours;\n")
    noted = take(engine, "catalogue", head + "A;Lait;l;1;5,5;perishable\nB;Sel;kg;1;5,5;\n").notes
    assert [(note.line, note.column) for note in noted] == [(2, "payment_limit")]
    noted = take(engine, "customers", CUSTOMERS + "C2;B;;30 jours;\nC3;C;;45 jours;\n").notes
    assert [(note.line, note.column) for note in noted] == [(3, "payment_terms")]


@pytest.mark.usefixtures("martin")
def test_what_a_later_file_does_not_hold_is_left_alone(engine: Engine) -> None:
    take(engine, "customers", "code,name\nC001,Boulangerie Martin et fils\nC002,Lebrun\n")
    take(engine, "customers", "code,name\nC002,Lebrun\n")
    with transaction(engine) as session:
        customer = customer_by_code(session, "C001")
        assert customer.name == "Boulangerie Martin et fils"
        assert customer.credit_limit == Money.of(3000)
        assert customer.email == "a@martin.example"


@pytest.mark.usefixtures("martin")
def test_an_address_that_a_file_no_longer_lists_speaks_for_nobody(engine: Engine) -> None:
    report = take(engine, "customers", CUSTOMERS + "C001;Boulangerie Martin;b@martin.example;30 jours;3000\n")
    assert report.changed == 1
    with transaction(engine) as session:
        assert [contact.email for contact in customer_by_code(session, "C001").contacts] == ["b@martin.example"]


@pytest.mark.usefixtures("martin")
def test_a_customers_own_name_of_an_article_outlives_the_next_catalogue(engine: Engine) -> None:
    take(engine, "catalogue", ARTICLES + "A;a;u;1;20;;carton=10;first|second\n")
    with transaction(engine) as session:
        customer = customer_by_code(session, "C001")
        remember_alias(session, article_by_sku(session, "A"), customer_id=customer.id, text="mine")
    take(engine, "catalogue", ARTICLES + "A;a;u;1;20;;carton=12;palette=90;second\n".replace(";palette", "|palette"))
    with transaction(engine) as session:
        article = article_by_sku(session, "A")
        assert {alias.text for alias in article.aliases} == {"second", "mine"}
        assert {p.name: p.quantity for p in article.packagings} == {"carton": Decimal(12), "palette": Decimal(90)}


def test_stock_in_a_file_is_a_count_at_its_day_and_what_moved_since_stays(engine: Engine) -> None:
    take(engine, "catalogue", ARTICLES + "A;a;u;1;20;100;;\n", as_of=date(2026, 10, 30))
    with transaction(engine) as session:
        article = article_by_sku(session, "A")
        stock.move(session, article.id, MovementKind.SHIPMENT, Decimal(-30), source="delivery:1", at=AT)
    assert level(engine, "A") == 70
    same = take(engine, "catalogue", ARTICLES + "A;a;u;1;20;100;;\n", as_of=date(2026, 10, 30))
    assert same.empty
    assert level(engine, "A") == 70
    take(engine, "catalogue", ARTICLES + "A;a;u;1;20;90;;\n", as_of=date(2026, 10, 30))
    assert level(engine, "A") == 60
    with transaction(engine) as session:
        counts = session.scalars(select(StockMovement).where(StockMovement.kind == MovementKind.COUNT)).all()
        assert [movement.quantity for movement in counts] == [100, -10]


def test_an_older_count_than_the_last_is_noted_and_not_taken(engine: Engine) -> None:
    take(engine, "catalogue", ARTICLES + "A;a;u;1;20;100;;\n", as_of=date(2026, 10, 30))
    report = take(engine, "catalogue", ARTICLES + "A;a;u;1;20;5;;\n", as_of=date(2026, 10, 29))
    assert [(note.line, note.column) for note in report.notes] == [(2, "stock")]
    assert level(engine, "A") == 100


def test_a_count_below_what_has_left_since_is_named(engine: Engine) -> None:
    take(engine, "catalogue", ARTICLES + "A;a;u;1;20;100;;\n", as_of=date(2026, 10, 29))
    with transaction(engine) as session:
        article = article_by_sku(session, "A")
        stock.move(session, article.id, MovementKind.SHIPMENT, Decimal(-30), source="delivery:1", at=AT)
    lines = refused(engine, "catalogue", ARTICLES + "A;a;u;1;20;20;;\n", as_of=date(2026, 10, 30))
    assert lines == ["line 2, stock: 20 were counted, but 30 left since"]
    assert level(engine, "A") == 70


@pytest.mark.usefixtures("martin")
def test_an_item_missing_from_a_later_full_list_closes_at_its_day(engine: Engine) -> None:
    both = ITEMS + "C001,F1,2026-09-01,2026-10-01,100.00,0\nC001,F2,2026-09-02,2026-10-02,50.00,10.00\n"
    take(engine, "open-items", both, as_of=date(2026, 10, 5))
    report = take(engine, "open-items", ITEMS + "C001,F2,2026-09-02,2026-10-02,50.00,30.00\n", as_of=date(2026, 10, 12))
    assert (report.closed, report.changed) == (1, 1)
    with transaction(engine) as session:
        first, second = session.scalars(select(OpenItem).order_by(OpenItem.number))
        assert first.closed_on == date(2026, 10, 12)
        assert payments.amount_due(session, first) == Money.of(0)
        assert payments.amount_due(session, second) == Money.of(20)
        closing = journal.entries_of(session, first.subject)
        assert [entry.action for entry in closing] == ["open_item_closed"]
    back = take(engine, "open-items", both, as_of=date(2026, 10, 13))
    assert back.changed == 2
    with transaction(engine) as session:
        assert payments.amount_due(session, session.scalars(select(OpenItem).order_by(OpenItem.number)).all()[0])


@pytest.mark.usefixtures("martin")
def test_without_a_day_the_file_is_not_a_full_list(engine: Engine) -> None:
    take(engine, "open-items", ITEMS + "C001,F1,2026-09-01,2026-10-01,100.00,0\n", as_of=date(2026, 10, 5))
    report = take(engine, "open-items", ITEMS + "C001,F2,2026-09-02,2026-10-02,50.00,0\n")
    assert (report.added, report.closed) == (1, 0)


@pytest.mark.usefixtures("martin")
def test_an_older_list_than_the_last_is_refused(engine: Engine) -> None:
    take(engine, "open-items", ITEMS, as_of=date(2026, 10, 5))
    with pytest.raises(Refused, match="open_items_older"):
        take(engine, "open-items", ITEMS, as_of=date(2026, 10, 4))


@pytest.mark.usefixtures("martin")
def test_a_list_of_tomorrow_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused, match="date_in_future"):
        take(engine, "open-items", ITEMS, as_of=date(2026, 11, 3))


@pytest.mark.usefixtures("martin")
def test_payments_typed_in_here_stay_on_top_of_a_new_list(engine: Engine, house: House) -> None:
    take(engine, "open-items", ITEMS + "C001,F1,2026-09-01,2026-10-01,100.00,0\n", as_of=date(2026, 10, 5))
    with transaction(engine) as session:
        customer = customer_by_code(session, "C001")
        item = session.scalars(select(OpenItem)).one()
        payments.record(
            session, customer, Money.of(30), received_on=date(2026, 11, 2), by=SYSTEM, at=AT, house=house, settles=item
        )
    report = take(engine, "open-items", ITEMS + "C001,F1,2026-09-01,2026-10-01,100.00,20\n", as_of=date(2026, 11, 2))
    assert [note.column for note in report.notes] == ["paid"]
    with transaction(engine) as session:
        assert payments.amount_due(session, session.scalars(select(OpenItem)).one()) == Money.of(50)


def test_a_document_that_we_issued_ourselves_is_left_alone(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "2"))
    trade.session.flush()
    content = ITEMS + f"C001,{invoice.number.lower()},2026-03-10,2026-04-09,1.00,0\n"
    report = import_file(trade.session, "open-items", content.encode(), as_of=date(2026, 3, 10), by=SYSTEM, at=trade.at)
    assert report.empty
    assert [note.column for note in report.notes] == ["number"]
    assert trade.session.scalar(select(func.count(OpenItem.id))) == 0
    assert payments.amount_due(trade.session, invoice) == Money.of(240)


@pytest.mark.usefixtures("martin")
def test_wrong_open_items_are_named(engine: Engine) -> None:
    content = ITEMS + "C009,F1,2026-09-01,2026-10-01,10,0\n"
    content += "C001,F2,2026-09-31,01/09/2026,0,0\nC001,F3,02/09/2026,01/09/2026,5,6\n"
    assert [line.split(":", 1)[0] for line in refused(engine, "open-items", content)] == [
        "line 2, customer",
        "line 3, date",
        "line 3, gross",
        "line 4, due_date",
        "line 4, paid",
    ]


def test_the_last_admin_cannot_be_taken_away_by_a_file(engine: Engine) -> None:
    take(engine, "staff", "name,email,roles\nAnne,anne@x.example,admin;sales\n")
    refused(engine, "staff", "name,email,roles\nAnne,anne@x.example,sales\n")
    report = take(engine, "staff", "name,email,roles\nAnne,anne@x.example,admin;accounting\n")
    assert report.changed == 1
    with transaction(engine) as session:
        assert session.scalars(select(Staff)).one().roles == {Role.ADMIN, Role.ACCOUNTING}


def test_an_unknown_role_is_named(engine: Engine) -> None:
    assert [line.split(":", 1)[0] for line in refused(engine, "staff", "name,roles\nAnne,boss\nPaul,\n")] == [
        "line 2, roles",
        "line 3, roles",
    ]


PLACES = "customer;name;street;postcode;city\n"


def places(engine: Engine, code: str) -> list[str]:
    with transaction(engine) as session:
        return [address.name for address in customer_by_code(session, code).addresses]


@pytest.mark.usefixtures("martin")
def test_a_customer_has_several_delivery_addresses_and_a_closed_one_is_kept(engine: Engine) -> None:
    two = PLACES + "C001;Fournil;1 rue du Four;80000;Amiens\nC001;Boutique;2 rue Haute;80000;Amiens\n"
    assert take(engine, "addresses", two).added == 2
    assert take(engine, "addresses", two).empty
    assert take(engine, "addresses", PLACES + "C001;Fournil;1 bis rue du Four;80000;Amiens\n").changed == 1
    assert places(engine, "C001") == ["Fournil", "Boutique"]
    full = take(engine, "addresses", PLACES + "C001;Boutique;2 rue Haute;80000;Amiens\n", as_of=AT.date())
    assert (full.closed, places(engine, "C001")) == (1, ["Boutique"])
    assert take(engine, "addresses", two).changed == 1
    assert places(engine, "C001") == ["Fournil", "Boutique"]
    wrong = PLACES + "C009;X;1 rue;75001;Paris\nC001;x;;75001;Paris\nC001;X;1 rue;75001;Paris\n"
    assert refused(engine, "addresses", wrong) == [
        "line 2, customer: 'C009' is not a customer's code",
        "line 3, street: is empty",
        "line 4, name: is also on line 3",
    ]


def test_columns_have_the_names_that_the_firms_own_program_gives_them(engine: Engine) -> None:
    content = '"Code  Client";"Raison sociale";Ville\nC001;"Martin\n& fils";Lyon\n'.encode("cp1252")
    columns = {"code": "code client", "name": "RAISON SOCIALE", "city": "Ville"}
    with transaction(engine) as session:
        report = import_file(session, "customers", content, by=SYSTEM, at=AT, columns=columns)
    assert (report.added, report.notes) == (1, [])
    with transaction(engine) as session:
        assert customer_by_code(session, "C001").city == "Lyon"
        with pytest.raises(ImportRefused, match="line 1, name: the file has no column 'Nom'"):
            import_file(session, "customers", content, by=SYSTEM, at=AT, columns={"code": "Code client", "name": "Nom"})


@pytest.mark.usefixtures("martin")
def test_everything_a_check_asks_of_a_customer_has_its_column(engine: Engine) -> None:
    with transaction(engine) as session:
        sale_terms.add(
            session, "2026-01", b"%PDF-1.7", file_name="cgv.pdf", in_force_on=date(2026, 1, 1), clauses={}, by=SYSTEM,
            at=AT,
        )  # fmt: skip
    header = (
        "code;name;insured_limit;insolvent_since;on_hold;active;partial_deliveries;delivery_weekdays;delivery_cutoff;"
        "delivery_strict;minimum_order;electronic_address;electronic_scheme;requirements;terms_accepted\n"
    )
    row = "C001;Martin;5000;;oui;;non;lun jeu;11h30;oui;150;732829320;0225;number=required|date=noted;2026-01\n"
    assert take(engine, "customers", header + row).changed == 1
    assert take(engine, "customers", header + row).empty
    with transaction(engine) as session:
        martin = customer_by_code(session, "C001")
        assert (martin.on_hold, martin.active, martin.partial_deliveries) == (True, True, False)
        assert (martin.insured_limit, martin.insolvent_since) == (Money.of(5000), None)
        assert (martin.delivery_weekdays, martin.delivery_strict) == ("14", True)
        assert martin.own_requirements == {Point.NUMBER: Requirement.REQUIRED, Point.DATE: Requirement.NOTED}
        accepted = sale_terms.accepted(session, martin)
        assert accepted is not None
        assert (accepted.terms.version, accepted.how) == ("2026-01", HowAccepted.IMPORTED)
    wrong = "C001;Boulangerie Martin;x;hier;peut-être;;;lundimanche;25h;;;;;number=must;2027-01\n"
    assert [line.split(":")[0] for line in refused(engine, "customers", header + wrong)] == [
        f"line 2, {column}" for column in (
            "delivery_cutoff", "delivery_weekdays", "insolvent_since", "insured_limit", "on_hold", "requirements",
            "terms_accepted",
        )
    ]  # fmt: skip


@pytest.mark.usefixtures("martin")
def test_a_buyer_is_imported_with_the_most_he_may_order(engine: Engine) -> None:
    rows = "customer;email;name;order_limit\nC001;A@martin.example;Anne;800\nC001;b@martin.example;Bruno;\n"
    report = take(engine, "contacts", rows)
    assert (report.added, report.changed) == (1, 1)
    assert take(engine, "contacts", rows).empty
    with transaction(engine) as session:
        known = {one.name: one.order_limit for one in customer_by_code(session, "C001").contacts}
    assert known == {"Anne": Money.of(800), "Bruno": None}
    assert refused(engine, "contacts", "customer;email\nC9;a@b.example\nC001;nobody\n") == [
        "line 2, customer: 'C9' is not a customer's code",
        "line 3, email: 'nobody' is not a mail address",
    ]


def test_payments_are_taken_in_once_and_settle_what_they_name(trade: Trade) -> None:
    first, second = trade.invoiced((trade.article, "1")), trade.invoiced((trade.article, "2"))
    house = trade.house
    file = (
        "Client;date;amount;means;settles;reference\n"
        f"C001;10/03/2026;100;chèque;{first.number};CHQ 12\n"
        f"C001;2026-03-10;260,00;CB;{first.number}|{second.number};\n"
        "C001;2026-03-10;5;;;VIR\nC001;2026-03-10;5;;;VIR\n"
    ).encode()

    def take(content: bytes) -> Report:
        return import_file(
            trade.session, "payments", content, by=SYSTEM, at=AT, columns={"customer": "client"}, house=house
        )

    report = take(file)
    assert (report.added, report.unchanged) == (4, 0)
    assert [note.line for note in report.notes] == [4, 5]
    assert payments.sums(trade.session, trade.customer) == (ZERO, ZERO)
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(10)
    means = trade.session.scalars(select(payments.Payment.means).order_by(payments.Payment.id)).all()
    assert means == [PaymentMeans.CHEQUE, PaymentMeans.CARD, PaymentMeans.TRANSFER, PaymentMeans.TRANSFER]
    again = take(file + b"C001;2026-03-10;7;;;VIR 2\n")
    assert (again.added, again.unchanged) == (1, 4)
    with pytest.raises(ImportRefused) as refused:
        take(b"client;date;amount;means;settles\nC9;2026-03-10;1;;\nC001;2027-01-01;0;troc;FA-1\nC001;2026-03-10;x;;\n")
    assert [(problem.line, problem.column) for problem in refused.value.problems] == [
        (2, "customer"), (3, "amount"), (3, "date"), (3, "means"), (3, "settles"), (4, "amount"),
    ]  # fmt: skip
    assert len(trade.session.scalars(select(payments.Payment.id)).all()) == 5


def test_a_payment_without_a_document_settles_what_its_amount_explains(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "1"))
    trade.invoiced((trade.article, "2"))
    file = b"customer;date;amount\nC001;2026-03-10;120\n"
    report = import_file(trade.session, "payments", file, by=SYSTEM, at=AT, house=trade.house)
    assert (report.added, report.notes) == (1, [])
    assert payments.amount_due(trade.session, invoice) == ZERO


def test_how_a_customer_pays_is_imported(trade: Trade) -> None:
    head = "code;name;payment_means;mandate_reference;debited_iban;discount_percent;discount_days\n"
    good = f"{head}C001;Hôtel Bellevue;prélèvement;MND-7;FR76 3000 6000 0112 3456 7890 189;2;10\n".encode()
    assert import_file(trade.session, "customers", good, by=SYSTEM, at=AT).changed == 1
    found = trade.customer
    assert (found.payment_means, found.mandate_reference, found.debited_iban) == (
        PaymentMeans.DIRECT_DEBIT, "MND-7", "FR7630006000011234567890189",
    )  # fmt: skip
    assert (found.discount_percent, found.discount_days) == (Decimal(2), 10)
    with pytest.raises(ImportRefused) as refused:
        import_file(trade.session, "customers", f"{head}C001;H;59;;FR76;100;1\n".encode(), by=SYSTEM, at=AT)
    assert [problem.column for problem in refused.value.problems] == [
        "debited_iban", "discount_percent", "mandate_reference",
    ]  # fmt: skip


CUSTOMERS_OF_ALL_KINDS = """code;name;country;siren;vat_number;vat_regime;vat_code;electronic_address;electronic_scheme
C1;Chez Léa;FR;732829320;FR44732829320;;;732829320_COMPTA;0225
C2;Emerald Isle;IE;;IE6388047V;intra_community;;accounts@isle.example;EM
C3;Alpenkost;CH;;;export;;CHALPENKOST;0227
C4;Bâti Rhône;FR;443061841;FR64443061841;reverse_charge;;;
C5;Ambassade;FR;552100554;;exempt;vatex-eu-151;;
C6;Comptoir belge;BE;;BE0403170701;;;;
"""
ARTICLES_OF_ALL_KINDS = """sku;name;unit;price;vat_rate;vat_category;vat_code;nature
A1;Huile;bidon;38,40;5,5;S;;
A2;Pose;heure;50;20;;;service
A3;Timbres;carnet;15;0;;VATEX-FR-CGI261-4;goods
A4;Livre zéro;pièce;10;0;Z;;
"""


def test_customers_and_articles_bring_their_way_of_vat_and_twice_is_once(engine: Engine) -> None:
    with transaction(engine) as session:
        for kind, content in (("customers", CUSTOMERS_OF_ALL_KINDS), ("catalogue", ARTICLES_OF_ALL_KINDS)):
            first = import_file(session, kind, content.encode(), by=SYSTEM, at=AT)
            again = import_file(session, kind, content.encode(), by=SYSTEM, at=AT)
            assert (first.added, again.unchanged, again.changed) == (first.added, first.added, 0)
            if kind == "customers":
                assert [(note.line, note.column) for note in first.notes] == [(7, "vat_regime")]
        customers = {c.code: (c.vat_regime, c.vat_code) for c in session.scalars(select(Customer))}
        assert customers == {
            "C1": (Regime.DOMESTIC, ""), "C2": (Regime.INTRA_COMMUNITY, ""), "C3": (Regime.EXPORT, ""),
            "C4": (Regime.REVERSE_CHARGE, ""), "C5": (Regime.EXEMPT, "VATEX-EU-151"), "C6": (Regime.DOMESTIC, ""),
        }  # fmt: skip
        articles = {a.sku: (a.vat_rate.category, a.vat_code, a.nature) for a in session.scalars(select(Article))}
        assert articles == {
            "A1": (VatCategory.STANDARD, "", Nature.GOODS), "A2": (VatCategory.STANDARD, "", Nature.SERVICE),
            "A3": (VatCategory.EXEMPT, "VATEX-FR-CGI261-4", Nature.GOODS), "A4": (VatCategory.ZERO, "", Nature.GOODS),
        }  # fmt: skip
        prices = "sku;name;unit;price;vat_rate\nA3;Timbres;carnet;16;0\nA4;Livre zéro;pièce;11;0\n"
        assert import_file(session, "catalogue", prices.encode(), by=SYSTEM, at=AT).changed == 2
        kept = {a.sku: a.vat_rate.category for a in session.scalars(select(Article))}
        assert (kept["A3"], kept["A4"]) == (VatCategory.EXEMPT, VatCategory.ZERO)
        taxed = prices.replace("16;0", "16;20").encode()
        import_file(session, "catalogue", taxed, by=SYSTEM, at=AT)
        one = session.scalars(select(Article).where(Article.sku == "A3")).one()
        assert (one.vat_rate, one.vat_code) == (VatRate(Decimal(20)), "")


def test_what_contradicts_itself_in_vat_is_refused_by_line_and_column(engine: Engine) -> None:
    wrong_customers = """code;name;country;siren;vat_number;vat_regime;vat_code;electronic_address;electronic_scheme
C1;Sans numéro;IE;;;intra_community;;;
C2;Français;FR;732829320;FR44732829320;intra_community;;;
C3;Sans motif;FR;732829320;;exempt;;;
C4;Motif de trop;FR;732829320;;domestic;VATEX-EU-151;;
C5;Inconnu;FR;732829320;;exempt;VATEX-EU-999;;
C6;Régime;FR;732829320;;abroad;;;
C7;Pays;France;732829320;;;;;
C8;Adresse;FR;732829320;;;;552100554;0225
C9;Signes;FR;732829320;;;;732829320/A;
C10;Schéma;FR;732829320;;;;732829320;9999
"""
    wrong_articles = """sku;name;unit;price;vat_rate;vat_category;vat_code;nature
A1;Taux;u;1;19,25;;;
A2;Zéro sans motif;u;1;0;;;
A3;Motif inconnu;u;1;0;;VATEX-EU-IC;
A4;Motif de trop;u;1;20;;VATEX-EU-132;
A5;Zéro avec motif;u;1;0;Z;VATEX-EU-132;
A6;Catégorie;u;1;20;E;;
A7;Nature;u;1;20;;;idée
A8;Prix;u;-1;20;;;
"""
    expected = {
        "customers": [
            "line 2, vat_number", "line 3, vat_number", "line 4, vat_code", "line 5, vat_code", "line 6, vat_code",
            "line 7, vat_regime", "line 8, country", "line 9, electronic_address", "line 10, electronic_address",
            "line 11, electronic_scheme",
        ],
        "catalogue": [
            "line 2, vat_rate", "line 3, vat_rate", "line 4, vat_code", "line 5, vat_code", "line 6, vat_code",
            "line 7, vat_category", "line 8, nature", "line 9, price",
        ],
    }  # fmt: skip
    for kind, content in (("customers", wrong_customers), ("catalogue", wrong_articles)):
        with pytest.raises(ImportRefused) as refused, transaction(engine) as session:
            import_file(session, kind, content.encode(), by=SYSTEM, at=AT)
        assert [str(problem).split(":")[0] for problem in refused.value.problems] == expected[kind]
    with transaction(engine) as session:
        assert (session.scalars(select(Customer)).all(), session.scalars(select(Article)).all()) == ([], [])
