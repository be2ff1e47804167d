"""The gate: what lets a write out, and what keeps it in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from integrations.database import transaction
from rollout.answers import Verb
from rollout.authority import Authority
from rollout.case import Case
from rollout.contract import Boundaries, Contract
from rollout.deciding import decide_on
from rollout.effects import Basis, EffectRow, Intent, Request, State, end, intend, standing
from rollout.gate import pass_gate
from rollout.grants import change
from tests.rollout.trial import OWNERS, WHEN, a_case, a_review, action, answer, contract

LADDER = (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED, Authority.FULL)
SEEN = {"owner": None}


def climb(session: Session, agreed: Contract, level: Authority) -> None:
    for step in LADDER[: LADDER.index(level) + 1]:
        change(session, agreed, step, by="ann", because="a test", now=WHEN)


def meant(case: Case, basis: Basis = Basis.AGENT, owner: str = OWNERS[0]) -> Intent:
    del case
    return Intent(
        step="owner",
        action=action(owner),
        request=Request(method="PATCH", path="/x", body=b'{"a":1}'),
        basis=basis,
        nth=1 if basis is Basis.DECISION else None,
        expected=SEEN,
    )


def gate(
    session: Session, effect: EffectRow, agreed: Contract, noted: dict[str, Any] | None = None
) -> int | str:
    return pass_gate(
        session,
        effect,
        contract=agreed,
        noted=SEEN if noted is None else noted,
        now=WHEN,
        lease=timedelta(seconds=15),
    )


@pytest.mark.parametrize("level", [Authority.LIMITED, Authority.FULL])
def test_an_agent_that_may_act_passes(database: str, level: Authority) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        climb(session, agreed, level)
        case = a_case(session, agreed, level)
        assert gate(session, intend(session, case, meant(case), WHEN), agreed) == 1
        assert standing(session, case, "owner").state == State.SENT


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (Authority.OFF, "the stage allows no write"),
        (Authority.SHADOW, "the stage allows no write"),
        (Authority.RECOMMEND, "the stage was lowered"),
    ],
)
def test_a_demotion_counts_at_once(database: str, level: Authority, words: str) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        climb(session, agreed, Authority.LIMITED)
        case = a_case(session, agreed)
        effect = intend(session, case, meant(case), WHEN)
        change(session, agreed, level, by="ann", because="bad evidence", now=WHEN)

        assert words in str(gate(session, effect, agreed))
        assert standing(session, case, "owner").state == State.REFUSED


def test_a_promotion_does_not_reach_a_case_that_was_placed_before(database: str) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        climb(session, agreed, Authority.FULL)
        case = a_case(session, agreed, Authority.SHADOW)
        effect = intend(session, case, meant(case), WHEN)

        assert "the case is at shadow" in str(gate(session, effect, agreed))


def test_without_a_decision_nothing_leaves_on_a_persons_word(database: str) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        climb(session, agreed, Authority.RECOMMEND)
        case = a_case(session, agreed, Authority.RECOMMEND)
        a_review(session, case)
        effect = intend(session, case, meant(case, Basis.DECISION), WHEN)

        assert gate(session, effect, agreed) == "no person has decided on it"


@pytest.mark.parametrize(("owner", "passes"), [(OWNERS[0], True), (OWNERS[1], False)])
def test_an_approval_holds_for_exactly_its_action(
    database: str,
    owner: str,
    passes: bool,  # noqa: FBT001 # a parameter of a test
) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        climb(session, agreed, Authority.RECOMMEND)
        case = a_case(session, agreed, Authority.RECOMMEND)
        review = a_review(session, case)
        decide_on(session, agreed, review.id, answer(Verb.APPROVE), WHEN)
        effect = intend(session, case, meant(case, Basis.DECISION, owner), WHEN)
        answered = gate(session, effect, agreed)

    assert answered == (1 if passes else "karim approved another action")


def test_a_record_that_somebody_changed_is_not_overwritten(database: str) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        climb(session, agreed, Authority.LIMITED)
        case = a_case(session, agreed)
        effect = intend(session, case, meant(case), WHEN)

        assert "changed by somebody else" in str(gate(session, effect, agreed, {"owner": "77"}))


def test_what_the_contract_has_stopped_allowing_does_not_leave(database: str) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        climb(session, agreed, Authority.LIMITED)
        case = a_case(session, agreed)
        effect = intend(session, case, meant(case), WHEN)
        narrowed = replace(agreed, boundaries=Boundaries())

        assert "does not allow" in str(gate(session, effect, narrowed))


def test_an_intent_keeps_its_first_bytes(database: str) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        case = a_case(session, agreed)
        intend(session, case, meant(case), WHEN)
        other = meant(case).model_copy(
            update={"request": Request(method="PATCH", path="/x", body=b"other")}
        )

        assert intend(session, case, other, WHEN).body == b'{"a":1}'


def test_an_attempt_that_wakes_up_late_can_note_nothing(database: str) -> None:
    del database
    agreed = contract()
    with transaction() as session:
        climb(session, agreed, Authority.LIMITED)
        case = a_case(session, agreed)
        effect = intend(session, case, meant(case), WHEN)
        gate(session, effect, agreed)
        session.expunge(effect)
        late = effect
        fresh = standing(session, case, "owner")
        gate(session, fresh, agreed)

        assert late.fence == 1
        assert not end(session, late, State.DONE, because="late", now=WHEN)
        assert standing(session, case, "owner").state == State.SENT
