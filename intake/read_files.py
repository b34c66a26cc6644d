"""`comptoir read`: files in, one JSON answer each, by the same reading and matching as the running service."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from intake.incoming import Address, Attachment, Channel, Incoming
from intake.matching import CatalogueRow, Index
from intake.matching.customers import CustomerRow, Directory
from intake.mime import parse as parse_mail
from intake.mime import parts
from intake.reading import Reading
from intake.requests import codes_of, request_of


def read_files(paths: Sequence[Path], *, catalogue: Path, customers: Path, today: date) -> Iterator[dict[str, Any]]:
    """The answer to each file, in the shape of the samples' contract: numbers as text, dates ISO, unknown null."""
    index, known = Index(load_catalogue(catalogue)), Directory(load_customers(customers))
    codes = codes_of(index.rows)
    for path in paths:
        incoming = incoming_of(path, at=datetime.combine(today, time(8), UTC))
        asked = request_of(incoming, known, today=today, codes=codes)
        yield _answer(path.name, asked.reading, asked.who.code, index)


def load_catalogue(path: Path) -> list[CatalogueRow]:
    """The articles of a catalogue file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            CatalogueRow(
                sku=row["sku"],
                name=row["name"],
                unit=row["unit"],
                packagings=tuple(
                    (name.strip(), Decimal(size))
                    for name, _, size in (
                        pack.partition("=") for pack in (row.get("packagings") or "").split(";") if pack
                    )
                ),
                gtin=row.get("gtin") or "",
                supplier_reference=row.get("supplier_ref") or "",
                aliases=tuple(alias for alias in (row.get("aliases") or "").split("|") if alias),
                price=Decimal(row["price"]) if row.get("price") else None,
            )
            for row in csv.DictReader(file)
        ]


def load_customers(path: Path) -> list[CustomerRow]:
    """The customers of a customers file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            CustomerRow(
                code=row["code"],
                name=row["name"],
                emails=tuple(email.strip().lower() for email in (row.get("emails") or "").split(";") if email),
                siren=row.get("siren") or "",
                phones=tuple(phone.strip() for phone in (row.get("phones") or "").split(";") if phone.strip()),
                vat_number=row.get("vat_number") or "",
                street=row.get("street") or "",
                city=row.get("city") or "",
            )
            for row in csv.DictReader(file)
        ]


def incoming_of(path: Path, *, at: datetime) -> Incoming:
    """A file as a message: a mail, a chat text with its `.meta.json` beside it, or a lone file."""
    content = path.read_bytes()
    if path.suffix.lower() == ".eml":
        return parse_mail(content, received_at=at)
    beside = path.with_suffix(".meta.json")
    if path.suffix.lower() == ".txt":
        meta = json.loads(beside.read_text("utf-8")) if beside.exists() else {}
        text = content.decode("utf-8", "replace")
        return Incoming(Channel.CHAT, Address(""), at, text, customer_code=meta.get("customer"))
    attachment = Attachment(path.name, parts.sniff(content, "", path.name), content)
    return Incoming(Channel.FILE, Address(""), at, "", attachments=(attachment,))


def _answer(source: str, reading: Reading, customer: str | None, index: Index) -> dict[str, Any]:
    lines = []
    for line in reading.lines:
        matched = index.match(line)
        lines.append(
            {
                "text": line.text,
                "quantity": _number(line.quantity),
                "unit": line.unit or None,
                "base_quantity": _number(matched.base_quantity),
                "sku": matched.row.sku if matched.row is not None else None,
                "confidence": float(matched.confidence),
                "unit_price": _number(line.unit_price),
                "alternatives": [{"sku": sku, "confidence": float(value)} for sku, value in matched.alternatives],
                "evidence": asdict(line.evidence),
            }
        )
    return {
        "source": source,
        "kind": reading.kind.value,
        "customer": customer,
        "order_reference": reading.order_reference,
        "order_date": _iso(reading.order_date),
        "requested_delivery_date": _iso(reading.requested_delivery_date),
        "repeat_of_last_order": reading.repeat_of_last_order,
        "lines": lines,
        "warnings": [
            *reading.findings,
            *(f"removed: {name}" for name in reading.removed),
            *(f"charge: {name}" for name in reading.charges),
        ],
    }


def _number(value: Decimal | None) -> str | None:
    return f"{value.normalize():f}" if value is not None else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
