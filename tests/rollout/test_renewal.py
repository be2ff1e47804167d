"""When a customer is at risk: both low use and complaints; and what is not known is not zero."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.renewal import AHEAD_DAYS, WEIGHTS, Band, Renewal, health_of

NOW = datetime(2026, 11, 2, 3, tzinfo=UTC)


def account(**changes: object) -> Renewal:
    fields: dict[str, object] = {
        "company_id": "1",
        "name": "Kiefer Optik",
        "retrieved_at": NOW,
        "renewal_date": date(2027, 1, 20),
        "figures": {"active_users_28d": 90, "active_users_prior_56d": 420, "complaints_30d": 4},
        **changes,
    }
    return Renewal.model_validate(fields)


@pytest.mark.parametrize(
    ("figures", "risky"),
    [
        ({"active_users_28d": 70, "active_users_prior_56d": 200, "complaints_30d": 3}, True),
        ({"active_users_28d": 70.1, "active_users_prior_56d": 200, "complaints_30d": 3}, False),
        ({"active_users_28d": 70, "active_users_prior_56d": 200, "complaints_30d": 2}, False),
        ({"active_users_28d": 70, "active_users_prior_56d": 200, "sev1_30d": 1}, True),
        ({"active_users_28d": 0, "active_users_prior_56d": 200, "sev1_30d": 1}, True),
        ({"complaints_30d": 9}, False),
        ({"active_users_28d": 9, "active_users_prior_56d": 0, "complaints_30d": 9}, False),
    ],
)
def test_low_use_and_complaints_together_are_a_risk(
    figures: dict[str, float], *, risky: bool
) -> None:
    assert account(figures=figures).is_at_risk is risky


def test_what_is_not_known_is_left_out_of_the_score() -> None:
    nothing = health_of(account(figures={}, renewal_date=None))
    paid = health_of(account(figures={"invoices_overdue_days": 0}, renewal_date=None))
    late = health_of(account(figures={"invoices_overdue_days": 60}, renewal_date=None))

    assert (nothing.score, nothing.band) == (None, Band.UNKNOWN)
    assert (paid.score, paid.parts) == (100, {"billing": 1.0})
    assert (late.score, late.band) == (0, Band.RED)


def test_nobody_is_green_whose_people_have_stopped_using_it() -> None:
    good = {"invoices_overdue_days": 0, "seats_bought": 10, "seats_active": 10}
    assert health_of(account(figures=good, champion="active")).band is Band.GREEN
    quiet = health_of(account(figures={**good, "weeks_quiet": 4}, champion="active"))
    assert (quiet.band, quiet.capped) == (Band.YELLOW, "nobody has used it for 4 weeks")


def test_the_crm_says_green_and_the_figures_red() -> None:
    bad = {"active_users_28d": 5, "active_users_prior_56d": 400, "invoices_overdue_days": 70}
    found = account(figures=bad, crm_health="green", champion="left")
    assert found.disagrees.startswith("the CRM says green, the figures say red")
    assert account(figures=bad, crm_health="yellow", champion="left").disagrees == ""


@pytest.mark.parametrize(
    ("renews", "soon"),
    [
        (date(2026, 11, 2), True),
        (date(2026, 11, 1), False),
        (date(2027, 3, 2), True),
        (date(2027, 3, 3), False),
        (None, False),
    ],
)
def test_a_renewal_is_looked_at_in_its_last_days(renews: date | None, *, soon: bool) -> None:
    assert account(renewal_date=renews).renews_soon is soon
    assert AHEAD_DAYS == 120


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("active_users_28d", "active_users_prior_56d", "seats_bought", "seats_active"),
                *("invoices_overdue_days", "days_since_last_touch", "weeks_quiet"),
            ]
        ),
        st.floats(0, 1e9),
    ),
    st.sampled_from([None, "active", "changed", "left", "unheard of"]),
)
def test_a_score_lies_between_its_parts(figures: dict[str, float], champion: str | None) -> None:
    health = health_of(account(figures=figures, champion=champion))
    assert sum(WEIGHTS.values()) == 100
    assert health.score is not None  # the renewal's date is known
    assert 0 <= health.score <= 100
    low, high = min(health.parts.values()), max(health.parts.values())
    assert 100 * low - 1 <= health.score <= 100 * high + 1
