"""
One unit of work: the case itself, what the agent proposes for it, and how it can end.

A fact that was stored is never changed: an edit by a person is a new revision of the proposal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Index, Sequence, UniqueConstraint, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field as Stored
from sqlmodel import Session, SQLModel, col, select

from rollout.authority import Authority, Placement, Unit
from rollout.canonical import Json, digest
from rollout.columns import moment
from rollout.contract import Contract, Impact
from rollout.errors import Unknown
from rollout.ledger import Fact, recall, remember

AGENT = "agent"  #: who decided a proposal, where no rule did
CASE_NUMBERS = Sequence("case_number", start=1001, metadata=SQLModel.metadata)


class Ending(StrEnum):
    """How a case ended, or how this run of it ended."""

    ACTED = "acted"  #: The write was made.
    WATCHED = "watched"  #: The agent only watched; people did the work.
    HANDED_OFF = "handed_off"  #: A named person has it now, with a deadline.
    DECLINED = "declined"  #: A person said no.
    STOOD_ASIDE = "stood_aside"  #: The agent is off.
    GONE = "gone"  #: What it was about is not there any more.
    KEPT = "kept"  #: Nothing was to be done: it was so already.
    JOINED = "joined"  #: Another run has this case already.


@dataclass(frozen=True)
class Case:
    """A case as its flow sees it."""

    id: str
    contract: Contract
    contract_version: str  #: the version it was opened under
    inbox_id: str
    opened_at: datetime
    placement: Placement | None = None
    unit: Unit | None = None
    joined: bool = False  #: this run's event belongs to a case that another event opened

    @property
    def workflow(self) -> str:
        """The workflow it belongs to."""
        return self.contract.workflow

    @property
    def authority(self) -> Authority:
        """The level this case was placed at; OFF until it is placed."""
        return self.placement.authority if self.placement else Authority.OFF

    @property
    def placed_because(self) -> str:
        """Why it was placed there."""
        return self.placement.because if self.placement else "it was not placed"


class Introduction(BaseModel):
    """What an event says about its case: when it is a new one, and how people call it."""

    model_config = ConfigDict(frozen=True)

    dedupe: str  #: one case for each such key
    same: tuple[str, ...] = ()  #: events that share one within `same_within` are one case
    same_within: timedelta = timedelta()
    names: Mapping[str, str] = {}  #: other names by kind, for example the e-mail address


#: Says which case an event's envelope belongs to; raises where the body has not its shape.
Introduce: TypeAlias = Callable[[Mapping[str, Any]], Introduction]


class Evidence(BaseModel):
    """One thing the agent looked at. What is not trusted is quoted and never obeyed."""

    model_config = ConfigDict(frozen=True)

    field: str
    value: str
    source: str
    record: str
    retrieved_at: datetime
    trusted: bool
    points: float
    says: str


class Cost(BaseModel):
    """What an answer cost; money in thousandths of a minor unit: a call costs less than one."""

    model_config = ConfigDict(frozen=True)

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    amount_millis: int = 0
    currency: str = "EUR"


class Action(BaseModel):
    """One intended effect outside."""

    model_config = ConfigDict(frozen=True)

    name: str  #: as the contract names it, for example crm.lead.owner
    target: str  #: the record, for example contact/501
    arguments: Mapping[str, str]
    impacts: frozenset[Impact] = frozenset()

    @property
    def hash(self) -> str:
        """The SHA-256 of its content: an approval holds for exactly this."""
        return digest(self.model_dump(mode="json"))


class Proposal(Fact):
    """What the agent would do, and why."""

    kind: ClassVar[str] = "proposal"

    revision: int = 1
    action: Action
    reason: str
    confidence: float = Field(ge=0, le=1)
    data_confidence: float = Field(ge=0, le=1)
    calibrated_on: int = 0  #: labelled cases behind the confidence
    conflicts: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    cost: Cost = Cost()
    seconds: float = 0
    release: str
    changes: Mapping[str, str] = {}  #: what people have changed in it
    decided_by: str = AGENT  #: or the rule that left no question open

    @property
    def sureness(self) -> float:
        """The lower of the agent's confidence and that in its data."""
        return min(self.confidence, self.data_confidence)

    def public(self) -> dict[str, Json]:
        """Keep what the agent would do, how sure it was and what it cost."""
        return {
            "revision": self.revision,
            "action": self.action.name,
            "target": self.action.target,
            "hash": self.action.hash,
            "confidence": self.confidence,
            "data_confidence": self.data_confidence,
            "conflicts": len(self.conflicts),
            "unclear": len(self.unclear),
            "evidence": len(self.evidence),
            "cost": self.cost.model_dump(mode="json"),
            "seconds": round(self.seconds, 3),
            "release": self.release,
            "decided_by": self.decided_by,
        }


class Ended(Fact):
    """How and why a case ended."""

    kind: ClassVar[str] = "ending"

    ending: Ending
    because: str
    seconds: float  #: since it was opened

    def public(self) -> dict[str, Json]:
        """Keep the ending; the reason may quote a record."""
        return {"ending": self.ending.value, "seconds": round(self.seconds, 3)}


class CaseRow(SQLModel, table=True):
    """The case as the database has it: what is queried, the rest is in the ledger."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("workflow", "dedupe"),
        Index("ix_cases_closed", "workflow", "closed_at"),
        Index("ix_cases_arm", "workflow", "arm", "closed_at"),
        Index("ix_cases_opened", "workflow", "opened_at"),
        Index("ix_cases_arm_opened", "workflow", "arm", "opened_at"),
    )

    id: str = Stored(primary_key=True)
    workflow: str
    contract_version: str
    dedupe: str
    inbox_id: str
    opened_at: datetime = moment()
    flow_run_id: str | None = Stored(default=None, index=True)
    label: str = ""
    arm: str = ""  #: where it was placed, as in its placement; empty before that
    ending: str | None = Stored(default=None, index=True)
    because: str | None = None
    closed_at: datetime | None = moment(optional=True)
    reruns: int = 0  #: how often recovery started it again


def keep_placement(
    session: Session, workflow: str, case_id: str, placed: Placement, now: datetime
) -> Placement:
    """Store where a case belongs, once; give the placement that stands."""
    stands = remember(
        session,
        workflow=workflow,
        case_id=case_id,
        step="placement",
        fact=placed,
        actor="taxiway",
        at=now,
    )
    session.execute(update(CaseRow).where(col(CaseRow.id) == case_id).values(arm=stands.arm.value))
    return stands


def open_row(
    session: Session,
    *,
    prefix: str,
    workflow: str,
    version: str,
    dedupe: str,
    inbox_id: str,
    now: datetime,
) -> CaseRow:
    """Open a case, or give the one that has the dedupe key already."""
    number = session.execute(CASE_NUMBERS.next_value()).scalar_one()
    session.execute(
        insert(CaseRow)
        .values(
            id=f"{prefix}-{number}",
            workflow=workflow,
            contract_version=version,
            dedupe=dedupe,
            inbox_id=inbox_id,
            opened_at=now,
            label="",
            arm="",
            reruns=0,
        )
        .on_conflict_do_nothing(index_elements=["workflow", "dedupe"])
    )
    return session.exec(
        select(CaseRow).where(CaseRow.workflow == workflow, CaseRow.dedupe == dedupe)
    ).one()


def find_case(session: Session, case_id: str) -> CaseRow:
    """Give a case, or raise `Unknown`."""
    row = session.get(CaseRow, case_id)
    if row is None:
        raise Unknown(f"there is no case {case_id}. `taxiway cases` lists the latest.")
    return row


def case_of(session: Session, contract: Contract, row: CaseRow) -> Case:
    """Give a case as flows see it."""
    return Case(
        id=row.id,
        contract=contract,
        contract_version=row.contract_version,
        inbox_id=row.inbox_id,
        opened_at=row.opened_at,
        placement=recall(session, row.id, "placement", Placement),
    )


def latest_cases(session: Session, most: int, *, only_open: bool) -> list[CaseRow]:
    """Give the latest cases, newest first."""
    wanted = select(CaseRow).order_by(col(CaseRow.opened_at).desc(), col(CaseRow.id)).limit(most)
    if only_open:
        wanted = wanted.where(col(CaseRow.ending).is_(None))
    return list(session.exec(wanted).all())


def close_row(session: Session, case_id: str, ending: Ending, because: str, now: datetime) -> bool:
    """End a case once; False when it had ended before."""
    done = session.execute(
        update(CaseRow)
        .where(col(CaseRow.id) == case_id, col(CaseRow.ending).is_(None))
        .values(ending=ending, because=because, closed_at=now)
        .returning(col(CaseRow.id))
    ).scalar_one_or_none()
    return done is not None
