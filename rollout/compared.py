"""The table of what was compared: one proposal beside what a person decided, once for a case."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Identity, UniqueConstraint
from sqlmodel import Field, SQLModel

from rollout.columns import moment

REVIEW = "review"  #: the source of what people answer to a question about a proposal
RECHECK = "recheck"  #: of what they answer about a case that the agent did alone


class Blind(StrEnum):
    """Whether the two were independent."""

    YES = "yes"
    SHOWN = "shown"  #: The person could see the proposal.
    LEAKED = "leaked"  #: The agent could see what the person had decided.


class Judged(StrEnum):
    """Who was right where an agent and a person differ."""

    AGENT = "agent"
    HUMAN = "human"
    BOTH = "both"
    NEITHER = "neither"


class ComparedRow(SQLModel, table=True):
    """One proposal beside what a person decided; no personal data: answers are digests."""

    __tablename__ = "compared"
    __table_args__ = (UniqueConstraint("case_id", "release"),)

    seq: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    case_id: str
    workflow: str = Field(index=True)
    release: str
    segment: str
    unit: str
    verdict: str
    answer: str  #: the digest of what the person decided
    blind: str
    team: str = ""
    branch: str = ""
    arm: str = ""
    source: str = ""  #: csv, crm, webhook, or review
    judged: str = ""  #: who was right where they differ, as a third person said; see `Judged`
    judged_at: datetime | None = moment(optional=True)
    decided_at: datetime = moment()  #: by the person
    at: datetime = moment()  #: of the comparison
