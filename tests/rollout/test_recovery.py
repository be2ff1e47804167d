"""What is done about a run that did not end by itself: every combination has an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.recovery import ENDED, Remedy, RunState, Seen, remedy, wait_before

SEEN = st.builds(
    Seen,
    state=st.sampled_from(RunState),
    held=st.booleans(),
    settled_seconds=st.floats(0, 100),
    has_form=st.booleans(),
    case_open=st.sampled_from([None, True, False]),
    decided=st.booleans(),
    reruns=st.integers(0, 10),
)


def test_an_outage_is_waited_out_longer_each_time() -> None:
    away = [Seen(RunState.FAILED, case_open=True, away=True, reruns=n) for n in range(3)]

    assert [wait_before(one, 60) for one in away] == [60, 240, 960]
    assert wait_before(Seen(RunState.CRASHED, case_open=True, reruns=2), 60) == 0


def cure(seen: Seen) -> Remedy:
    return remedy(seen, most_reruns=3)[0]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (Seen(RunState.RUNNING, case_open=True), Remedy.RERUN),
        (Seen(RunState.PENDING), Remedy.RERUN),
        (Seen(RunState.RUNNING, case_open=True, reruns=3), Remedy.HAND_OFF),
        (Seen(RunState.PAUSED, case_open=True, has_form=False), Remedy.RERUN),
        (Seen(RunState.PAUSED, case_open=True, decided=True), Remedy.RESUME),
        (Seen(RunState.PAUSED, case_open=True), Remedy.LEAVE),
        (Seen(RunState.CRASHED, settled_seconds=1, case_open=True), Remedy.LEAVE),
        (Seen(RunState.CRASHED, settled_seconds=9, case_open=True), Remedy.RERUN),
        (Seen(RunState.CRASHED, settled_seconds=9, case_open=False), Remedy.LEAVE),
        (Seen(RunState.FAILED, case_open=True), Remedy.HAND_OFF),
        (Seen(RunState.FAILED, case_open=True, away=True), Remedy.RERUN),
        (Seen(RunState.FAILED, case_open=True, away=True, reruns=3), Remedy.HAND_OFF),
        (Seen(RunState.MISSING, case_open=True), Remedy.HAND_OFF),
        (Seen(RunState.CANCELLED, case_open=True), Remedy.HAND_OFF),
        (Seen(RunState.COMPLETED, case_open=False), Remedy.LEAVE),
        (Seen(RunState.CANCELLING), Remedy.CANCEL),
    ],
)
def test_each_rule(seen: Seen, wanted: Remedy) -> None:
    assert cure(seen) is wanted


@given(SEEN)
def test_every_combination_has_an_answer_with_a_reason(seen: Seen) -> None:
    found, because = remedy(seen, most_reruns=3)

    assert found in Remedy
    assert because


@given(SEEN)
def test_what_a_worker_holds_is_left_alone(seen: Seen) -> None:
    if seen.held:
        assert cure(seen) is Remedy.LEAVE


@given(SEEN)
def test_nothing_is_resumed_without_a_decision(seen: Seen) -> None:
    if cure(seen) is Remedy.RESUME:
        assert seen.decided


@given(SEEN)
def test_an_ended_run_with_an_open_case_always_reaches_a_person(seen: Seen) -> None:
    if seen.state in ENDED and seen.case_open and not seen.held:
        assert cure(seen) is Remedy.HAND_OFF


@given(SEEN)
def test_a_case_that_has_ended_is_never_started_again_while_it_sleeps(seen: Seen) -> None:
    if seen.state is RunState.PAUSED and seen.case_open is False:
        assert cure(seen) is Remedy.LEAVE
