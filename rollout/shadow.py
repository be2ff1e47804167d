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

from sqlalchemy import BigInteger, Column, Identity
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.authority import Authority, Placement
from rollout.canonical import Json, digest
from rollout.case import AGENT, CaseRow, Proposal, find_case
from rollout.columns import moment
from rollout.comparison import Comparator, Comparison, Verdict, normal
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.ledger import Entry, Fact, note, recall, remember

STEP = "human-1"
LATELY = timedelta(days=14)  #: after that, nobody looks any more whether somebody decided
ASKED = "asked-1"  #: the step that notes that a case's agent was asked


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
    if proposal is None or placement is None or proposal.decided_by != AGENT:
        return None  # what a rule decides says nothing about the agent
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
    """Give the latest cases that an agent watched and of which nobody's decision is known yet."""
    known = select(Entry.case_id).where(Entry.workflow == workflow, Entry.step == STEP)
    asked = select(Entry.case_id).where(Entry.workflow == workflow, Entry.step == ASKED)
    return session.exec(
        select(CaseRow)
        .where(
            CaseRow.workflow == workflow,
            CaseRow.ending == "watched",
            CaseRow.opened_at <= before,
            CaseRow.opened_at > before - LATELY,
            col(CaseRow.id).not_in(known),
            col(CaseRow.id).in_(asked),
        )
        .order_by(col(CaseRow.opened_at).desc())
        .limit(most)
    ).all()


def _blind(session: Session, case_id: str, placement: Placement, said: HumanDecision) -> Blind:
    if placement.authority is not Authority.SHADOW:
        return Blind.SHOWN
    read = session.exec(
        select(Entry.at).where(Entry.case_id == case_id, Entry.step == "proposal-1")
    ).one_or_none()
    return Blind.LEAKED if read is not None and said.at < read else Blind.YES


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
