"""
Which words of a contract its owners have agreed to: what changed since stops new cases.

The business owner answers for the money and the targets, the technical owner for the scope, the
process owner for the bars of the gates, and governance for credentials of a system outside. The
first version that is used is taken as agreed.
"""

from dataclasses import MISSING, asdict, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import BigInteger, Column, Identity
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.approvals import standing_of
from rollout.canonical import canonical
from rollout.columns import moment
from rollout.contract import Contract
from rollout.errors import Invalid, NotYours
from rollout.ledger import note
from rollout.people import Directory


class Part(StrEnum):
    """A part of a contract, or what goes with it."""

    MONEY = "money"  #: budgets, targets, the benchmark
    SCOPE = "scope"  #: what may be read, written and triggered
    BARS = "bars"  #: what its gates ask for, and what counts as the same answer
    CREDENTIALS = "credentials"  #: that production credentials were looked at for safety


OWNER = {
    Part.MONEY: "business",
    Part.SCOPE: "technical",
    Part.BARS: "process",
    Part.CREDENTIALS: "governance",
}
CHECKED = (Part.MONEY, Part.SCOPE, Part.BARS)
BY_TAXIWAY = "taxiway"


class AgreementRow(SQLModel, table=True):
    """An owner's word for a part, as it was then."""

    __tablename__ = "agreement"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    workflow: str = Field(index=True)
    part: str
    digest: str
    version: str  #: the contract's
    by: str
    because: str
    at: datetime = moment()


def digest_of(contract: Contract, part: Part) -> str:
    """Give the first twelve hexadecimal digits of the SHA-256 of a part's content."""
    whole = _written(contract)
    names = {
        Part.MONEY: (
            *("budget_minor_per_day", "budget_minor_per_case", "currency"),
            *("targets", "benchmark"),
        ),
        Part.SCOPE: ("boundaries",),
        Part.BARS: ("bars", "answer_within", "compared", "ignored", "harmful", "outcomes"),
        Part.CREDENTIALS: ("workflow",),
    }[part]
    return sha256(canonical({name: whole.get(name) for name in names})).hexdigest()[:12]


def agreed(session: Session, workflow: str, part: Part) -> str | None:
    """Give the digest of a part that was agreed to last, or None."""
    return session.exec(
        select(AgreementRow.digest)
        .where(AgreementRow.workflow == workflow, AgreementRow.part == part)
        .order_by(col(AgreementRow.id).desc())
        .limit(1)
    ).one_or_none()


def agreements(session: Session, contract: Contract) -> list[tuple[Part, AgreementRow | None]]:
    """Give the last word for each part, or None where there is none."""
    rows = session.exec(
        select(AgreementRow)
        .where(AgreementRow.workflow == contract.workflow)
        .order_by(col(AgreementRow.id))
    ).all()
    last = {row.part: row for row in rows}
    return [(part, last.get(part)) for part in Part]


def not_agreed(session: Session, contract: Contract) -> str | None:
    """Say which parts have changed without their owner's word; None: all is agreed."""
    open_parts = []
    for part in CHECKED:
        known = agreed(session, contract.workflow, part)
        if known is not None and known != digest_of(contract, part):
            open_parts.append(f"{part} (for {asdict(contract.owners)[OWNER[part]]})")
    return f"changed and not agreed to: {', '.join(open_parts)}" if open_parts else None


def agree_at_first(session: Session, contract: Contract, now: datetime) -> None:
    """Take a contract's first version that is used as agreed."""
    for part in CHECKED:
        if agreed(session, contract.workflow, part) is None:
            _note(session, contract, part, BY_TAXIWAY, "the first version", now)


def agree(
    session: Session,
    directory: Directory,
    contract: Contract,
    part: Part,
    *,
    by: str,
    because: str,
    now: datetime,
) -> str:
    """Record an owner's word for a part as it stands; gives its digest."""
    if not because.strip():
        raise Invalid("say why: --because TEXT")
    owner = asdict(contract.owners)[OWNER[part]]
    if standing_of(directory, by, [owner], now.date()) is None:
        raise NotYours(f"{part} of {contract.workflow} is {owner}'s to agree to, and {by} is not.")
    _note(session, contract, part, by, because.strip(), now)
    return digest_of(contract, part)


def _written(part: Any) -> Any:  # any value of a contract
    """
    Give what somebody wrote: fields at their defaults are left out, so that a field which a later
    version of Taxiway knows does not make the same words another agreement.
    """
    if isinstance(part, tuple | list):
        return [_written(one) for one in part]
    if not is_dataclass(part):
        return sorted(part) if isinstance(part, frozenset) else part
    own = {one.name: getattr(part, one.name) for one in fields(part)}
    default = {one.name: one.default for one in fields(part) if one.default is not MISSING}
    return {k: _written(v) for k, v in own.items() if k not in default or v != default[k]}


def _note(
    session: Session, contract: Contract, part: Part, by: str, because: str, now: datetime
) -> None:
    row = AgreementRow(
        workflow=contract.workflow,
        part=part,
        digest=digest_of(contract, part),
        version=contract.version,
        by=by,
        because=because,
        at=now,
    )
    session.add(row)
    note(
        session,
        workflow=contract.workflow,
        kind="agreed",
        actor=by,
        at=now,
        fields={"part": part.value, "digest": row.digest, "version": row.version},
    )
