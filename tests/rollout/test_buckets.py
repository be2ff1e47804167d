"""Who falls into which arm, and that nobody moves."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.authority import Arm, Authority, Exposure, Facets, Grant, Unit, place
from rollout.buckets import BUCKETS, bucket, flagd, growthbook, launchdarkly, unleash
from rollout.errors import Invalid
from tests.fetched import fetched

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

    if place(limited(small), unit, Facets(segment="SMB")).arm is Arm.TREATED:
        assert place(limited(large), unit, Facets(segment="SMB")).arm is Arm.TREATED


@given(UNITS, SHARES, SHARES)
def test_who_is_treated_once_is_never_control_up_to_half(unit: Unit, a: int, b: int) -> None:
    one, other = (min(share, BUCKETS // 2) for share in (a, b))
    arms = {place(limited(share), unit, Facets(segment="SMB")).arm for share in (one, other)}

    assert arms != {Arm.TREATED, Arm.CONTROL}


@given(UNITS, SHARES)
def test_the_holdout_stays_with_people_at_every_share(unit: Unit, share: int) -> None:
    if bucket("w", unit.kind, unit.id) >= BUCKETS - 200:
        assert place(limited(share), unit, Facets(segment="SMB")).arm is Arm.HOLDOUT


@given(UNITS, SHARES)
def test_control_and_holdout_are_only_watched(unit: Unit, share: int) -> None:
    placement = place(limited(share), unit, Facets(segment="SMB"))

    if placement.arm in {Arm.CONTROL, Arm.HOLDOUT}:
        assert placement.authority is Authority.SHADOW


def test_without_a_unit_nothing_is_exposed() -> None:
    placement = place(limited(BUCKETS), None, Facets(segment="SMB"))

    assert (placement.arm, placement.authority) == (Arm.NO_UNIT, Authority.RECOMMEND)


@given(UNITS)
def test_another_segment_stays_a_level_below(unit: Unit) -> None:
    exposure = Exposure(segments=frozenset({"MM"}), holdout=0)
    grant = Grant(workflow="w", authority=Authority.LIMITED, exposure=exposure)

    assert place(grant, unit, Facets(segment="SMB")).authority is Authority.RECOMMEND
    assert place(grant, unit, Facets(segment="MM")).authority is Authority.LIMITED


# Other systems' buckets, by their public vectors


def test_unleash_agrees_with_its_clients() -> None:
    file = fetched("vectors/unleash/normalized-hash-vectors.json")
    known = [
        one
        for one in json.loads(file.read_text())["vectors"]
        if (one["normalizer"], one["seed"]) == (100, 0)
    ]
    assert known
    for one in known:
        assert unleash(one["group_id"], one["id"]) == one["expected"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("03-gradual-rollout-user-id-strategy", "userId"),
        ("04-gradual-rollout-session-id-strategy", "sessionId"),
    ],
)
def test_unleashs_rollouts_come_out_as_specified(name: str, key: str) -> None:
    file = fetched(f"vectors/unleash/{name}.json")
    content = json.loads(file.read_text())
    features = {one["name"]: one for one in content["state"]["features"]}
    checked = 0
    for test in content["tests"]:
        strategies = features[test["toggleName"]]["strategies"]
        said = strategies[0]["parameters"]
        unit = test["context"].get(key)
        if len(strategies) != 1 or "percentage" not in said or not unit:
            continue
        enabled = unleash(said["groupId"], unit) <= int(said["percentage"])
        assert enabled is test["expectedResult"], test["description"]
        checked += 1
    assert checked >= 3


@pytest.mark.parametrize(
    ("seed", "value", "version", "expected"),
    [  # growthbook/growthbook, packages/sdk-js/test/cases.json
        ("", "a", 1, 0.22),
        ("b", "a", 1, 0.946),
        ("asdf", "8952klfjas09ujk", 1, 0.549),
        ("seed", "a", 2, 0.0505),
        ("seed", "b", 2, 0.2696),
        ("foo", "def", 2, 0.2019),
        ("89123klj", "8952klfjas09ujkasdf", 2, 0.124),
    ],
)
def test_growthbook_agrees(seed: str, value: str, version: int, expected: float) -> None:
    assert growthbook(seed, value, version) == expected


@pytest.mark.parametrize(
    ("user", "seed", "expected"),
    [  # the bucketing tests that LaunchDarkly's server SDKs share
        ("userKeyA", None, 0.42157587),
        ("userKeyB", None, 0.6708485),
        ("userKeyC", None, 0.10343106),
        ("userKeyA", 61, 0.09801207),
        ("userKeyB", 61, 0.14483777),
        ("userKeyC", 61, 0.9242641),
    ],
)
def test_launchdarkly_agrees(user: str, seed: int | None, expected: float) -> None:
    found = launchdarkly("hashKey", "saltyA", user, seed)
    assert found == pytest.approx(expected, abs=1e-7)


@given(st.text(max_size=20), st.text(max_size=20), st.lists(st.integers(0, 100), min_size=1))
def test_flagd_gives_a_variant_that_has_weight(flag: str, key: str, weights: list[int]) -> None:
    named = {f"v{n}": weight for n, weight in enumerate(weights)}
    if sum(weights):
        assert named[flagd(flag, key, named)] > 0


def test_flagds_shares_are_about_the_weights() -> None:
    chosen = [flagd("flag", str(n), {"a": 25, "b": 75}) for n in range(10_000)]
    assert 2_300 < chosen.count("a") < 2_700


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 5, "b": -1}])
def test_weights_that_cannot_be_are_refused(weights: dict[str, int]) -> None:
    with pytest.raises((Invalid, ValueError)):
        flagd("flag", "key", weights)
    with pytest.raises(Invalid, match="version 1 or 2"):
        growthbook("s", "v", 3)
