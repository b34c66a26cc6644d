"""Statements as banks write them, made to measure: the account is that of the house, the amounts are the test's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

IBAN = "FR7630006000011234567890189"
PAYER = "FR7610107001011234567890129"
DAY = date(2026, 3, 10)


@dataclass(frozen=True)
class Line:
    """One movement of a statement."""

    amount: str
    text: str = ""
    end_to_end: str = "NOTPROVIDED"
    name: str = ""
    iban: str = ""
    day: date = DAY
    reject: str = ""
    family: tuple[str, str] = ("RCDT", "ESCT")


def closing(lines: tuple[Line, ...], opening: str) -> Decimal:
    return Decimal(opening) + sum((Decimal(line.amount) for line in lines), Decimal(0))


def camt(*lines: Line, opening: str = "1000.00", iban: str = IBAN, version: str = "02", day: date = DAY) -> bytes:
    """A CAMT.053 of version .02 or .08."""
    new = version == "08"
    entries = "".join(_entry(line, new=new) for line in lines)
    end = closing(lines, opening)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">
<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId><CreDtTm>{day}T20:00:00</CreDtTm></GrpHdr>
<Stmt><Id>S-{day}</Id><ElctrncSeqNb>51</ElctrncSeqNb><CreDtTm>{day}T20:00:00</CreDtTm>
<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>
{_balance("OPBD", Decimal(opening), day)}
{_balance("CLBD", end, day)}
{entries}
</Stmt></BkToCstmrStmt></Document>
""".encode()


def _balance(code: str, amount: Decimal, day: date) -> str:
    mark = "CRDT" if amount >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{mark}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(line: Line, *, new: bool) -> str:
    amount = Decimal(line.amount)
    mark = "CRDT" if amount >= 0 else "DBIT"
    status = "<Sts><Cd>BOOK</Cd></Sts>" if new else "<Sts>BOOK</Sts>"
    back = f"<RtrInf><Rsn><Cd>{line.reject}</Cd></Rsn></RtrInf>" if line.reject else ""
    family, sub = line.family
    return f"""<Ntry><Amt Ccy="EUR">{abs(amount)}</Amt><CdtDbtInd>{mark}</CdtDbtInd>{status}
<BookgDt><Dt>{line.day}</Dt></BookgDt><ValDt><Dt>{line.day}</Dt></ValDt>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><TxDtls><Refs><EndToEndId>{line.end_to_end}</EndToEndId></Refs>{party(line, new=new)}
<RmtInf><Ustrd>{line.text}</Ustrd></RmtInf>{back}</TxDtls></NtryDtls></Ntry>"""


def party(line: Line, *, new: bool) -> str:
    name = f"<Pty><Nm>{line.name}</Nm></Pty>" if new else f"<Nm>{line.name}</Nm>"
    account = f"<DbtrAcct><Id><IBAN>{line.iban}</IBAN></Id></DbtrAcct>" if line.iban else ""
    return f"<RltdPties><Dbtr>{name}</Dbtr>{account}</RltdPties>" if line.name or line.iban else ""


def mt940(*lines: Line, opening: str = "1000.00", account: str = IBAN, day: date = DAY) -> bytes:
    """An MT940 whose `:86:` is in numbered parts."""
    end = closing(lines, opening)
    rows = ["{1:F01AGRIFRPPXXXX0000000000}{4:", ":20:STMT", f":25:{account}", ":28C:51/1"]
    rows.append(f":60F:{_mt_balance(Decimal(opening), day)}")
    for line in lines:
        amount = Decimal(line.amount)
        mark = "RC" if line.reject else "C" if amount >= 0 else "D"
        rows.append(f":61:{line.day:%y%m%d%m%d}{mark}{_comma(abs(amount))}NTRF{line.end_to_end}//B{len(rows)}")
        rows.append(f":86:166?00VIREMENT?20{line.text[:27]}?21{line.text[27:]}?31{line.iban}?32{line.name}")
    rows += [f":62F:{_mt_balance(end, day)}", "-}"]
    return ("\r\n".join(rows) + "\r\n").encode()


def _comma(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _mt_balance(amount: Decimal, day: date) -> str:
    return f"{'C' if amount >= 0 else 'D'}{day:%y%m%d}EUR{_comma(abs(amount))}"


def cfonb(*lines: Line, opening: str = "1000.00", iban: str = IBAN, day: date = DAY) -> bytes:
    """A CFONB 120 with the payer and the reference in 05 lines."""
    bank, branch, account = iban[4:9], iban[9:14], iban[14:25]
    head = f"{bank}    {branch}EUR2 {account}"
    rows = [f"01{head}  {day:%d%m%y}{'':50}{overpunched(Decimal(opening))}{'':16}"]
    for number, line in enumerate(lines, start=1):
        reject = line.reject or "  "
        rows.append(
            f"04{head}05{line.day:%d%m%y}{reject:2}{line.day:%d%m%y}{'VIR SEPA':31}  {number:07d}  "
            f"{overpunched(Decimal(line.amount))}{'':16}"
        )
        more = f"05{head}05{line.day:%d%m%y}     "
        for qualifier, said in (("NPY", line.name), ("IPY", line.iban), ("LCC", line.text), ("RCN", line.end_to_end)):
            if said:
                rows.append(f"{more}{qualifier}{said:70}  ")
    rows.append(f"07{head}  {day:%d%m%y}{'':50}{overpunched(closing(lines, opening))}{'':16}")
    return ("\r\n".join(rows) + "\r\n").encode("latin-1")


def overpunched(amount: Decimal) -> str:
    figures = f"{abs(int(amount.scaleb(2))):014d}"
    return figures[:-1] + ("{ABCDEFGHI" if amount >= 0 else "}JKLMNOPQR")[int(figures[-1])]
