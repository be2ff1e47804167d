"""
What people decided while the agent only watched, and how its proposals relate to that.

A person's decision arrives later, by whichever way, and is compared once with the proposal that
stood then. The first one counts; what differs later is kept as a correction. A case in which the
agent may have seen the answer, or the person the proposal, says nothing and is left out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, Column, Identity, case, func
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.authority import Authority, Placement
from rollout.canonical import Json, digest
from rollout.case import CaseRow, Proposal, find_case
from rollout.columns import moment
from rollout.comparison import AGREES, Comparator, Comparison, Verdict, normal
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.gates import Tally
from rollout.ledger import Entry, Fact, note, recall, remember

STEP = "human-1"
COVERED_BEFORE = timedelta(days=1)  #: a person decides some time after the agent proposed


class Blind(StrEnum):
    """Whether the two were independent."""

    YES = "yes"
    SHOWN = "shown"  #: The person could see the proposal.
    LEAKED = "leaked"  #: The agent could see what the person had decided.


class HumanDecision(Fact):
    """What a person decided on a case that the agent only watched."""

    kind: ClassVar[str] = "human_decision"

    answer: Mapping[str, str]
    by: str
    at: datetime
    source: str  #: csv, crm, webhook

    def public(self) -> dict[str, Json]:
        """Keep which fields were decided, and the way it arrived; values stay apart."""
        return {"fields": [*sorted(self.answer)], "source": self.source, "at": self.at.isoformat()}


class ComparedRow(SQLModel, table=True):
    """One proposal beside what a person decided; no personal data: answers are digests."""

    __tablename__ = "compared"

    seq: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    case_id: str = Field(unique=True)
    workflow: str = Field(index=True)
    release: str
    segment: str
    unit: str
    verdict: str
    answer: str  #: the digest of what the person decided
    blind: str
    decided_at: datetime = moment()  #: by the person
    at: datetime = moment()  #: of the comparison


def take_human_decision(
    session: Session,
    contract: Contract,
    case_id: str,
    said: HumanDecision,
    now: datetime,
) -> Verdict | None:
    """
    Keep what a person decided and compare it; None where it says nothing (see `Blind`).

    Raises `Invalid` where the answer names no field of the proposal. A second, different answer
    is noted as a correction and changes nothing that was judged.
    """
    found = find_case(session, case_id)
    if found.workflow != contract.workflow:
        raise Invalid(f"{case_id} belongs to {found.workflow}, not to {contract.workflow}")
    proposal = recall(session, case_id, "proposal-1", Proposal)
    placement = recall(session, case_id, "placement", Placement)
    stands = remember(
        session,
        workflow=contract.workflow,
        case_id=case_id,
        step=STEP,
        fact=said,
        actor=said.by,
        at=now,
    )
    if stands.answer != said.answer:
        _correct(session, contract, case_id, said, now)
        return None
    known = session.exec(select(ComparedRow).where(ComparedRow.case_id == case_id)).one_or_none()
    if known is not None:
        return Verdict(known.verdict) if known.blind == Blind.YES else None
    if proposal is None or placement is None:
        return None
    fields = dict(contract.compared) or dict.fromkeys(proposal.action.arguments, Comparator())
    if not set(fields) & set(said.answer):
        raise Invalid(f"{case_id} is compared by {', '.join(fields)}; the answer has none of it")
    verdict, _ = Comparison(fields, harmful=contract.harmful).compare(
        proposal.action.arguments, said.answer, now.date()
    )
    blind = _blind(session, case_id, placement, said)
    session.add(
        ComparedRow(
            case_id=case_id,
            workflow=contract.workflow,
            release=proposal.release,
            segment=placement.segment or "",
            unit=proposal.action.target,
            verdict=verdict,
            answer=_key(fields, said.answer),
            blind=blind,
            decided_at=said.at,
            at=now,
        )
    )
    session.flush()
    return verdict if blind is Blind.YES else None


def tally_of(
    session: Session,
    contract: Contract,
    release: str,
    cutoff: datetime,
    since: datetime | None = None,
) -> Tally:
    """
    Count what was compared with a release up to a moment; blind and comparable cases only.

    `since` begins the epoch: what an agent had earned before it fell does not count again.
    """
    epoch = (ComparedRow.decided_at > since,) if since is not None else ()
    compared = (
        *epoch,
        ComparedRow.workflow == contract.workflow,
        ComparedRow.release == release,
        ComparedRow.blind == Blind.YES,
        col(ComparedRow.verdict) != Verdict.INCOMPARABLE,
        ComparedRow.at <= cutoff,
    )
    agrees = case((col(ComparedRow.verdict).in_(AGREES), 1), else_=0)
    constant = session.execute(
        select(ComparedRow.answer, func.count())
        .where(*compared)
        .group_by(ComparedRow.answer)
        .order_by(func.count().desc(), ComparedRow.answer)
        .limit(1)
    ).first()
    always = constant[0] if constant else ""
    fixed = case((col(ComparedRow.answer) == always, 1), else_=0)
    rows = session.execute(
        select(  # type: ignore[call-overload] # columns
            ComparedRow.segment,
            func.count(),
            func.sum(agrees),
            func.sum(case((col(ComparedRow.verdict) == Verdict.HARMFUL, 1), else_=0)),
            func.sum(fixed),
            func.sum(agrees * (1 - fixed)),
            func.sum(fixed * (1 - agrees)),
            func.min(ComparedRow.decided_at),
            func.max(ComparedRow.decided_at),
        )
        .where(*compared)
        .group_by(ComparedRow.segment)
    ).all()
    n, right, harmful, constant_right, wins, losses = (
        sum(int(row[place]) for row in rows) for place in range(1, 7)
    )
    first = min((row[7] for row in rows), default=None)
    last = max((row[8] for row in rows), default=None)
    eligible, answered = _coverage(session, contract.workflow, first, cutoff)
    return Tally(
        n=n,
        right=right,
        harmful=harmful,
        constant=f"the most frequent one ({always[:8]})" if always else "",
        constant_right=constant_right,
        wins=wins,
        losses=losses,
        eligible=eligible,
        answered=answered,
        days=(last - first) / timedelta(days=1) if first and last else None,
        age_days=(cutoff - last) / timedelta(days=1) if last else None,
        segments={row[0]: (int(row[1]), int(row[2])) for row in rows},
        harm_is_known=bool(contract.harmful),
    )


def latest_release(session: Session, workflow: str) -> str | None:
    """Give the release that made the latest proposal of a workflow."""
    return session.exec(
        select(ComparedRow.release)
        .where(ComparedRow.workflow == workflow)
        .order_by(col(ComparedRow.seq).desc())
        .limit(1)
    ).first()


def without_decision(
    session: Session, workflow: str, before: datetime, most: int = 500
) -> Sequence[CaseRow]:
    """Give the watched cases of which nobody's decision is known yet, the oldest first."""
    known = select(Entry.case_id).where(Entry.workflow == workflow, Entry.step == STEP)
    return session.exec(
        select(CaseRow)
        .where(
            CaseRow.workflow == workflow,
            CaseRow.ending == "watched",
            CaseRow.opened_at <= before,
            col(CaseRow.id).not_in(known),
        )
        .order_by(col(CaseRow.opened_at))
        .limit(most)
    ).all()


def _blind(session: Session, case_id: str, placement: Placement, said: HumanDecision) -> Blind:
    if placement.authority is not Authority.SHADOW:
        return Blind.SHOWN
    read = session.exec(
        select(Entry.at).where(Entry.case_id == case_id, Entry.step == "proposal-1")
    ).one_or_none()
    return Blind.LEAKED if read is not None and said.at < read else Blind.YES


def _coverage(
    session: Session, workflow: str, first: datetime | None, cutoff: datetime
) -> tuple[int, int]:
    """Count the watched cases since the first comparison, and those with a proposal."""
    if first is None:
        return 0, 0
    found = session.execute(
        select(func.count(), func.count(col(Entry.seq)))
        .select_from(CaseRow)
        .join(
            Entry,
            (col(Entry.case_id) == col(CaseRow.id)) & (col(Entry.step) == "proposal-1"),
            isouter=True,
        )
        .where(
            CaseRow.workflow == workflow,
            CaseRow.ending == "watched",
            col(CaseRow.closed_at) >= first - COVERED_BEFORE,
            col(CaseRow.closed_at) <= cutoff,
        )
    ).one()
    return int(found[0]), int(found[1])


def _correct(
    session: Session, contract: Contract, case_id: str, said: HumanDecision, now: datetime
) -> None:
    note(
        session,
        workflow=contract.workflow,
        case_id=case_id,
        kind="human_correction",
        actor=said.by,
        at=now,
        fields={"fields": [*sorted(said.answer)], "source": said.source},
    )


def _key(fields: Mapping[str, object], answer: Mapping[str, str]) -> str:
    return digest({name: normal(answer[name]) for name in sorted(fields) if name in answer})[:16]
