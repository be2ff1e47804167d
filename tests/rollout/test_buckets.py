"""Who falls into which arm, and that nobody moves."""

from hypothesis import given
from hypothesis import strategies as st

from rollout.authority import Arm, Authority, Exposure, Grant, Unit, place
from rollout.buckets import BUCKETS, bucket

UNITS = st.builds(Unit, kind=st.just("contact"), id=st.text(min_size=1, max_size=20))
SHARES = st.integers(1, BUCKETS)


def limited(points: int, holdout: int = 200) -> Grant:
    exposure = Exposure(basis_points=points, holdout=holdout)
    return Grant(workflow="w", authority=Authority.LIMITED, exposure=exposure)


def test_a_bucket_is_the_one_that_was_written_down() -> None:
    """From `printf '["lead-routing","contact","501"]' | sha256sum`, scaled by hand."""
    known = [8977, 8315, 9780]

    assert [bucket("lead-routing", "contact", str(n)) for n in (501, 502, 503)] == known


@given(UNITS)
def test_every_bucket_lies_in_its_range(unit: Unit) -> None:
    assert 0 <= bucket("w", unit.kind, unit.id) < BUCKETS


def test_buckets_fill_evenly() -> None:
    counts = [0] * 10
    for number in range(20_000):
        counts[bucket("w", "contact", str(number)) * 10 // BUCKETS] += 1

    assert all(1_800 < count < 2_200 for count in counts)  # 2 000 expected, 4.7 sigma each way


@given(UNITS, SHARES, SHARES)
def test_nobody_who_is_treated_leaves_as_the_share_grows(unit: Unit, a: int, b: int) -> None:
    small, large = sorted((a, b))

    if place(limited(small), unit, "SMB").arm is Arm.TREATED:
        assert place(limited(large), unit, "SMB").arm is Arm.TREATED


@given(UNITS, SHARES, SHARES)
def test_who_is_treated_once_is_never_control_up_to_half(unit: Unit, a: int, b: int) -> None:
    one, other = (min(share, BUCKETS // 2) for share in (a, b))
    arms = {place(limited(share), unit, "SMB").arm for share in (one, other)}

    assert arms != {Arm.TREATED, Arm.CONTROL}


@given(UNITS, SHARES)
def test_the_holdout_stays_with_people_at_every_share(unit: Unit, share: int) -> None:
    if bucket("w", unit.kind, unit.id) >= BUCKETS - 200:
        assert place(limited(share), unit, "SMB").arm is Arm.HOLDOUT


@given(UNITS, SHARES)
def test_control_and_holdout_are_only_watched(unit: Unit, share: int) -> None:
    placement = place(limited(share), unit, "SMB")

    if placement.arm in {Arm.CONTROL, Arm.HOLDOUT}:
        assert placement.authority is Authority.SHADOW


def test_without_a_unit_nothing_is_exposed() -> None:
    placement = place(limited(BUCKETS), None, "SMB")

    assert (placement.arm, placement.authority) == (Arm.NO_UNIT, Authority.RECOMMEND)


@given(UNITS)
def test_another_segment_stays_a_level_below(unit: Unit) -> None:
    exposure = Exposure(segments=frozenset({"MM"}), holdout=0)
    grant = Grant(workflow="w", authority=Authority.LIMITED, exposure=exposure)

    assert place(grant, unit, "SMB").authority is Authority.RECOMMEND
    assert place(grant, unit, "MM").authority is Authority.LIMITED
