"""
What people decided beside the agent, and how its proposals relate to that.

A person's decision arrives later, by whichever way, and is compared once with the proposal that
stood then. The first one counts; what differs later is kept as a correction. A case in which the
agent may have seen the answer, or the person the proposal, tells nothing about who is right: of the
latter only how often people took what they were shown is counted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from rollout.answers import Verb
from rollout.authority import FACETS, Authority, Placement
from rollout.canonical import Json
from rollout.case import AGENT, CaseRow, Proposal, find_case
from rollout.compared import RECHECK, REVIEW, Blind, ComparedRow
from rollout.comparison import Comparator, Comparison, Verdict, key_of
from rollout.contract import Contract
from rollout.decisions import Decision
from rollout.errors import Invalid
from rollout.ledger import Entry, Fact, note, recall, remember
from rollout.opinions import ask_for_opinions
from rollout.releases import champion, crown
from rollout.reviews import ReviewRow

STEP = "human-1"
RIVAL = "rival-"  #: the step of what another release would have done, with its id
MINOR = 0.15  #: the share of a text that a minor edit may change
LATELY = timedelta(days=14)  #: after that, nobody looks any more whether somebody decided
ASKED = "asked-1"  #: the step that notes that a case's agent was asked


class HumanDecision(Fact):
    """What a person decided on a case that the agent only watched."""

    kind: ClassVar[str] = "human_decision"

    answer: Mapping[str, str]
    by: str
    at: datetime
    source: str  #: csv, crm, webhook, review, or recheck

    def public(self) -> dict[str, Json]:
        """Keep which fields were decided, and the way it arrived; values stay apart."""
        return {"fields": [*sorted(self.answer)], "source": self.source, "at": self.at.isoformat()}


def rival_step(release: str) -> str:
    """Name the ledger step of what another release would have done on a case."""
    return f"{RIVAL}{release[:12]}"


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
    if proposal is None or placement is None or proposal.decided_by != AGENT:
        return None  # what a rule decides says nothing about the agent
    known = session.exec(
        select(ComparedRow).where(
            ComparedRow.case_id == case_id, ComparedRow.release == proposal.release
        )
    ).one_or_none()
    if known is not None:
        return Verdict(known.verdict) if known.blind == Blind.YES else None
    blind = _blind(session, case_id, placement, said)
    verdict = _compare(session, contract, case_id, placement, proposal, said, blind, now)
    if blind is not Blind.YES:
        return None
    ask_for_opinions(
        session,
        contract,
        case_id,
        verdict,
        release=proposal.release,
        by=said.by,
        now=now,
    )
    for rival in _beside(session, case_id):
        _compare(session, contract, case_id, placement, rival, said, blind, now)
    return verdict


def _compare(  # all that a comparison is about
    session: Session,
    contract: Contract,
    case_id: str,
    placement: Placement,
    proposal: Proposal,
    said: HumanDecision,
    blind: Blind,
    now: datetime,
) -> Verdict:
    fields = dict(contract.compared) or dict.fromkeys(proposal.action.arguments, Comparator())
    if not set(fields) & set(said.answer):
        raise Invalid(f"{case_id} is compared by {', '.join(fields)}; the answer has none of it")
    verdict, _ = Comparison(fields, dict(contract.ignored), contract.harmful).compare(
        proposal.action.arguments, said.answer, now.date()
    )
    session.add(
        ComparedRow(
            case_id=case_id,
            workflow=contract.workflow,
            release=proposal.release,
            **_where(placement),
            unit=proposal.action.target,
            verdict=verdict,
            answer=key_of(fields, said.answer),
            blind=blind,
            source=said.source,
            decided_at=said.at,
            at=now,
        )
    )
    session.flush()
    return verdict


def _beside(session: Session, case_id: str) -> list[Proposal]:
    """Give what other releases would have done: they watched beside the one that acts."""
    steps = session.exec(
        select(Entry.step).where(Entry.case_id == case_id, col(Entry.step).startswith(RIVAL))
    ).all()
    found = (recall(session, case_id, step, Proposal) for step in steps if step)
    return [one for one in found if one is not None]


def take_review(session: Session, contract: Contract, decision: Decision, now: datetime) -> None:
    """
    Keep what a person made of a proposal in a review, once for a case.

    An answer before the proposal was shown is compared like a decision in shadow; one after it
    says whether people take what they are shown.
    """
    review = session.get_one(ReviewRow, decision.review_id)
    proposal = recall(session, review.case_id, review.step, Proposal)
    placement = recall(session, review.case_id, "placement", Placement)
    if review.nth > 1 or proposal is None or placement is None or proposal.decided_by != AGENT:
        return
    if decision.blind:
        if decision.verb is Verb.EDIT:
            said = HumanDecision(
                answer=dict(decision.edit), by=decision.by, at=decision.at, source=REVIEW
            )
            take_human_decision(session, contract, review.case_id, said, now)
        return
    session.execute(
        insert(ComparedRow)
        .values(
            case_id=review.case_id,
            workflow=contract.workflow,
            release=proposal.release,
            **_where(placement),
            unit=proposal.action.target,
            verdict=_taken(contract, decision),
            answer="",
            blind=Blind.SHOWN,
            source=REVIEW,
            judged="",
            decided_at=decision.at,
            at=now,
        )
        .on_conflict_do_nothing(index_elements=["case_id", "release"])
    )


def _taken(contract: Contract, decision: Decision) -> Verdict:
    """Say whether a proposal was taken; also with a minor edit: of words, not of substance."""
    if decision.verb is Verb.APPROVE:
        return Verdict.EQUAL
    substance = set(dict(contract.compared) or decision.edit)
    minor = decision.edit_distance <= MINOR and not set(decision.edit) & substance
    return Verdict.ACCEPTABLE if decision.verb is Verb.EDIT and minor else Verdict.DIFFERENT


def _where(placement: Placement) -> dict[str, Any]:
    found = {kind: getattr(placement, kind) or "" for kind in FACETS}
    return {**found, "arm": placement.arm.value}


def latest_release(session: Session, workflow: str) -> str | None:
    """Give the release that was asked last; where none was, the one that was compared last."""
    asked = session.execute(
        select(col(Entry.fields)["release"].astext)
        .where(Entry.workflow == workflow, Entry.kind == "asked")
        .order_by(col(Entry.seq).desc())
        .limit(1)
    ).scalar_one_or_none()
    compared = (
        select(ComparedRow.release)
        .where(ComparedRow.workflow == workflow)
        .order_by(col(ComparedRow.seq).desc())
        .limit(1)
    )
    return asked or session.exec(compared).first()


def crown_latest(session: Session, workflow: str, *, by: str, because: str, now: datetime) -> None:
    """Let the level be that of the release that answers now: somebody gave it by hand."""
    release = latest_release(session, workflow)
    if release and release != champion(session, workflow):
        crown(session, workflow, release, by=by, because=because, now=now)


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
    own = said.source == RECHECK or (placement.blind and said.source == REVIEW)
    if placement.authority is not Authority.SHADOW and not own:
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
