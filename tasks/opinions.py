"""What a further person is shown of a case, and the way to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, select

from integrations.clock import now
from integrations.links import Pass, token_of
from integrations.settings import settings
from rollout.case import Evidence, Proposal, find_case
from rollout.contract import Contract
from rollout.errors import Unknown
from rollout.ledger import recall
from rollout.opinions import Kind, OpinionRow, Side, agents_side
from rollout.people import Person
from rollout.reviews import ReviewRow
from rollout.shadow import STEP, HumanDecision
from tasks.told import Link, no_link

SCOPE = "opinions:"  #: how a link says that it is about a workflow's opinions
VALID = timedelta(days=7)
RECENT = 50  #: reviews whose choices are offered for an answer of one's own


@dataclass(frozen=True)
class Shown:
    """What is read about a question."""

    case: str  #: its number and label
    facts: Sequence[Evidence]
    sides: Mapping[Side, str]  #: two answers without names; empty: an own one is asked for
    fields: Sequence[str]  #: what an own answer is made of

    def lines(self) -> dict[str, str]:
        """Give all of it by name, for a terminal."""
        facts: dict[str, str] = {}
        for one in self.facts:
            mark = "" if one.trusted else "untrusted text, "
            words = f"{one.value} ({mark}{one.source})"
            before = facts.get(f"fact: {one.field}")
            facts[f"fact: {one.field}"] = f"{before}; {words}" if before else words
        asked = {"you say": ", ".join(self.fields)} if self.fields else {}
        sides = {side.value: words for side, words in self.sides.items()}
        return {"case": self.case, **facts, **sides, **asked}


def shown(session: Session, contract: Contract, row: OpinionRow) -> Shown:
    """Give what is read about a question; raises `Unknown` where it has been erased."""
    proposal = recall(session, row.case_id, "proposal-1", Proposal)
    said = recall(session, row.case_id, STEP, HumanDecision)
    if proposal is None or (said is None and row.kind != Kind.RECHECK):
        raise Unknown(f"what {row.id} was about has been erased")
    case = f"{row.case_id} {find_case(session, row.case_id).label}"
    facts = proposal.evidence
    given = proposal.action.arguments
    if said is None or row.kind != Kind.WHO_IS_RIGHT:
        fields = tuple(said.answer if said else dict(contract.compared) or given)
        return Shown(case, facts, {}, sorted(fields))
    own = {name: given.get(name, "") for name in said.answer}
    agents = agents_side(row.workflow, row.case_id)
    sides = {agents: _told(own), _other(agents): _told(said.answer)}
    return Shown(case, facts, {side: sides[side] for side in (Side.FIRST, Side.SECOND)}, ())


def offered(session: Session, workflow: str) -> dict[str, list[str]]:
    """Give by field what could be chosen lately, as a help for answers of one's own."""
    rows = session.exec(
        select(ReviewRow.choices)
        .where(ReviewRow.workflow == workflow)
        .order_by(col(ReviewRow.opened_at).desc())
        .limit(RECENT)
    ).all()
    found: dict[str, set[str]] = {}
    for choices in rows:
        for name, values in choices.items():
            found.setdefault(name, set()).update(values)
    return {name: sorted(values) for name, values in found.items()}


def link_to_opinions(workflow: str) -> Link:
    """Give the way to each one's own link to what waits; none where links are not set up."""
    known = settings()
    place, key = known.hooks_public_url or known.hooks_url, known.link_key.get_secret_value()
    if not place or not key:
        return no_link
    until = int((now() + VALID).timestamp())

    def link(person: Person) -> str:
        held = Pass(person.id, f"{SCOPE}{workflow}", "", until)
        return f"{place.rstrip('/')}/opinions/{token_of(held, key)}"

    return link


def _other(side: Side) -> Side:
    return Side.SECOND if side is Side.FIRST else Side.FIRST


def _told(answer: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in sorted(answer.items()))
