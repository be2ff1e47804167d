"""Authority earned, kept and lost: two weeks of evidence, two signatures, and none to fall."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from rollout.ahead import look_ahead
from rollout.answers import Proof, Reason, Verb
from rollout.authority import Arm, Authority, Exposure, Facets, Grant, Unit, place
from rollout.contract import Contract
from rollout.deciding import decide_on
from rollout.errors import Conflict, Invalid, Unknown
from rollout.falling import acknowledge, fall, latch
from rollout.gates import Policy, Status
from rollout.grants import change, current, history
from rollout.monitors import alarm, overrules
from rollout.people import Directory
from rollout.policy import policy_of
from rollout.rising import RiseRow, ask_to_rise, open_rises, sign
from rollout.shadow import take_human_decision
from tests.rollout.sessions import with_people as session
from tests.rollout.trial import WHEN, a_case, a_review, answer, contract
from tests.rollout.watching import agreed, people, ready
from tests.rollout.weeks import HUMANS, decided, watched, weeks

__all__ = ["agreed", "people", "session"]  # fixtures


BARS = Policy()
SMB = Facets(segment="SMB")


# The mini case: a write to the CRM only after two weeks of shadow


def test_at_thirteen_days_and_23_hours_it_is_refused_and_at_fourteen_it_may(
    session: Session, agreed: Contract, people: Directory
) -> None:
    short = weeks(session, agreed, n=119, days=13 + 23 / 24)
    with pytest.raises(Invalid, match=r"13 days 23 hours of at least 14 days; 1\.0 hours are"):
        ask_to_rise(session, agreed, BARS, by="ines", because="good", now=short)
    assert current(session, agreed.workflow).authority is Authority.SHADOW

    at = WHEN + timedelta(days=14, hours=1)
    case = watched(session, agreed, HUMANS[0], at - timedelta(minutes=5))
    take_human_decision(session, agreed, case.id, decided(HUMANS[0], at), at)
    row = ask_to_rise(session, agreed, BARS, by="ines", because="good", now=at)
    assert row.id is not None
    first = sign(session, people, agreed, BARS, row.id, by="ines", proof=Proof.HOST, now=at)
    assert isinstance(first, RiseRow)
    last = sign(session, people, agreed, BARS, row.id, by="ruth", proof=Proof.HOST, now=at)

    assert isinstance(last, Grant)
    assert last.authority is Authority.RECOMMEND
    assert row.digest in history(session, agreed.workflow)[-1].because


def test_a_share_that_grows_keeps_whom_it_had(session: Session, agreed: Contract) -> None:
    def treated(points: int) -> set[int]:
        grant = Grant(
            workflow=agreed.workflow,
            authority=Authority.LIMITED,
            exposure=Exposure(basis_points=points),
        )
        return {
            n
            for n in range(2_000)
            if place(grant, Unit(kind="contact", id=str(n)), SMB).arm is Arm.TREATED
        }

    assert treated(500) < treated(1_000) < treated(5_000)


# Requests


def test_from_off_only_the_agreement_has_to_be_whole(session: Session) -> None:
    new = contract()
    whole = look_ahead(session, new, BARS, WHEN)
    holed = look_ahead(session, replace(new, targets=()), BARS, WHEN)
    assert (whole.to, whole.status) == (Authority.SHADOW, Status.PASS)
    assert (holed.status, holed.because) == (Status.FAIL, ["contract: targets: none"])


def test_evidence_that_has_turned_is_not_applied(
    session: Session, agreed: Contract, people: Directory
) -> None:
    number, at = ready(session, agreed)
    sign(session, people, agreed, BARS, number, by="ines", proof=Proof.HOST, now=at)
    worse = weeks(session, agreed, n=120, days=1, wrong=120, start=at)
    with pytest.raises(Conflict, match="cannot be applied: agreement"):
        sign(session, people, agreed, BARS, number, by="ruth", proof=Proof.HOST, now=worse)
    assert current(session, agreed.workflow).authority is Authority.SHADOW


def test_an_old_request_and_one_from_another_stage_are_not_applied(
    session: Session, agreed: Contract, people: Directory
) -> None:
    number, at = ready(session, agreed)
    assert [row.id for row in open_rises(session, agreed.workflow, at)] == [number]
    assert open_rises(session, agreed.workflow, at + timedelta(days=8)) == []
    with pytest.raises(Conflict, match="older than 7 days"):
        sign(
            session,
            people,
            agreed,
            BARS,
            number,
            by="ines",
            proof=Proof.HOST,
            now=at + timedelta(days=8),
        )
    sign(session, people, agreed, BARS, number, by="ines", proof=Proof.HOST, now=at)
    change(session, agreed, Authority.RECOMMEND, by="x", because="by hand", now=at)
    with pytest.raises(Conflict, match="the stage has changed"):
        sign(session, people, agreed, BARS, number, by="ruth", proof=Proof.HOST, now=at)
    with pytest.raises(Unknown):
        sign(session, people, agreed, BARS, 10**9, by="ruth", proof=Proof.HOST, now=at)
    assert open_rises(session, agreed.workflow, at) == []


def test_a_request_without_a_reason_or_at_the_ceiling_is_refused(
    session: Session, agreed: Contract
) -> None:
    at = weeks(session, agreed)
    with pytest.raises(Invalid, match="needs a reason"):
        ask_to_rise(session, agreed, BARS, by="ines", because=" ", now=at)
    low = replace(agreed, plan=(Authority.SHADOW,))
    assert look_ahead(session, low, BARS, at).to is None
    with pytest.raises(Invalid, match="ceiling"):
        ask_to_rise(session, low, BARS, by="ines", because="x", now=at)


def test_above_recommend_nothing_is_measured_yet_and_that_is_no_pass(
    session: Session, agreed: Contract
) -> None:
    change(session, agreed, Authority.RECOMMEND, by="x", because="by hand", now=WHEN)
    ahead = look_ahead(session, agreed, BARS, WHEN)
    assert (ahead.to, ahead.status) == (Authority.LIMITED, Status.NO_DATA)


# Falling


def test_a_fall_is_at_once_and_shuts_the_way_up(session: Session, agreed: Contract) -> None:
    change(session, agreed, Authority.RECOMMEND, by="x", because="by hand", now=WHEN)
    grant = fall(session, agreed, severity="S2", by="kim", because="harm", now=WHEN)
    assert grant.authority is Authority.SHADOW
    assert latch(session, agreed.workflow, WHEN).endswith("nobody said why")

    at = weeks(session, agreed)
    with pytest.raises(Invalid, match="nobody said why"):
        ask_to_rise(session, agreed, BARS, by="ines", because="x", now=at)
    assert acknowledge(session, agreed, by="noor", cause="an old sheet", now=at) == 1
    assert latch(session, agreed.workflow, WHEN + timedelta(hours=23)).startswith("it fell lately")
    assert latch(session, agreed.workflow, WHEN + timedelta(hours=24)) == ""
    ask_to_rise(session, agreed, BARS, by="ines", because="mended", now=at)


def test_what_was_earned_before_a_fall_does_not_count_again(
    session: Session, agreed: Contract
) -> None:
    at = weeks(session, agreed)
    assert look_ahead(session, agreed, BARS, at).status is Status.PASS
    fall(session, agreed, severity="S3", by="kim", because="harm", now=at)
    acknowledge(session, agreed, by="noor", cause="an old sheet", now=at)
    later = at + timedelta(days=3)
    assert look_ahead(session, agreed, BARS, later).status is Status.NO_DATA
    end = weeks(session, agreed, start=later)
    assert look_ahead(session, agreed, BARS, end).status is Status.PASS


def test_each_further_fall_doubles_the_time(session: Session, agreed: Contract) -> None:
    for n in range(3):
        fall(
            session,
            agreed,
            severity="S3",
            by="kim",
            because=f"again {n}",
            now=WHEN + timedelta(hours=n),
        )
    acknowledge(session, agreed, by="noor", cause="x", now=WHEN)
    third = WHEN + timedelta(hours=2)
    assert latch(session, agreed.workflow, third + timedelta(hours=95)) != ""
    assert latch(session, agreed.workflow, third + timedelta(hours=96)) == ""


def test_a_contract_with_a_hole_does_not_hold_up_a_fall(session: Session, agreed: Contract) -> None:
    for step in (Authority.RECOMMEND, Authority.LIMITED):
        change(session, agreed, step, by="x", because="by hand", now=WHEN)
    holed = replace(agreed, targets=())
    grant = fall(session, holed, severity="S2", by="k", because="harm", now=WHEN)
    assert grant.authority is Authority.RECOMMEND


@pytest.mark.parametrize(
    ("severity", "level"),
    [("S1", Authority.OFF), ("S2", Authority.LIMITED), ("S3", Authority.FULL)],
)
def test_how_far_it_falls(
    session: Session, agreed: Contract, severity: str, level: Authority
) -> None:
    for step in (Authority.RECOMMEND, Authority.LIMITED, Authority.FULL):
        change(session, agreed, step, by="x", because="by hand", now=WHEN)
    assert (
        fall(session, agreed, severity=severity, by="k", because="x", now=WHEN).authority is level
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [({"severity": "S9"}, "known: S1, S2, S3"), ({"because": " "}, "needs a reason")],
)
def test_a_fall_that_cannot_be_is_refused(
    session: Session, agreed: Contract, words: dict[str, str], says: str
) -> None:
    said = {"severity": "S2", "because": "harm", **words}
    with pytest.raises(Invalid, match=says):
        fall(session, agreed, by="k", now=WHEN, **said)
    with pytest.raises(Invalid, match="no fall"):
        acknowledge(session, agreed, by="k", cause="x", now=WHEN)


# The monitor


def judged(session: Session, agreed: Contract, verb: Verb, n: int, *, start: int = 0) -> None:
    for one in range(n):
        case = a_case(session, agreed, Authority.RECOMMEND)
        review = a_review(session, case)
        reason = None if verb is Verb.APPROVE else Reason.WRONG_DECISION
        at = WHEN + timedelta(minutes=1 + start + one)
        decide_on(session, agreed, review.id, answer(verb, reason=reason), at)


def test_a_release_that_turns_bad_is_found_within_a_few_decisions(
    session: Session, agreed: Contract
) -> None:
    change(session, agreed, Authority.RECOMMEND, by="x", because="by hand", now=WHEN)
    later = WHEN + timedelta(days=1)
    judged(session, agreed, Verb.APPROVE, 60)
    assert alarm(session, agreed, later) is None
    judged(session, agreed, Verb.REJECT, 8, start=60)
    found = alarm(session, agreed, later)

    assert found is not None
    assert (found.severity, "people overruled it" in found.because) == ("S2", True)
    assert overrules(session, agreed, later)[""].watch.events <= 68
    fall(session, agreed, severity="S2", by="monitor", because=found.because, now=later)
    assert alarm(session, agreed, later) is None  # what it fell for is over


def test_errors_that_are_not_the_agents_do_not_count(session: Session, agreed: Contract) -> None:
    change(session, agreed, Authority.RECOMMEND, by="x", because="by hand", now=WHEN)
    for n in range(20):
        review = a_review(session, a_case(session, agreed, Authority.RECOMMEND))
        said = answer(Verb.REJECT, reason=Reason.STALE_DATA)
        decide_on(session, agreed, review.id, said, WHEN + timedelta(minutes=1 + n))
    assert alarm(session, agreed, WHEN + timedelta(days=1)) is None


def test_a_contract_may_only_make_bars_higher() -> None:
    assert policy_of(replace(contract(), bars=(("agreement", 0.9),))).agreement == 0.9
    with pytest.raises(Invalid, match="makes bars lower: agreement"):
        policy_of(replace(contract(), bars=(("agreement", 0.5),)))
