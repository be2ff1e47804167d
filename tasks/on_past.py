"""The agents of the workflows on rows of history: no run, no write, the same question."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from functools import cache

from integrations.agents import Answer, Choice, Question, Value
from integrations.agents.lead_scorer import LeadScorer
from integrations.agents.renewal_advisor import RenewalAdvisor
from integrations.database import transaction
from rollout.errors import Invalid
from rollout.territories import Kind, seats_on, sheet_on

Row = Mapping[str, str]
LEAD_COLUMNS = ("team", "country", "industry")
RENEWAL_COLUMNS = ("usage", "complaints_30d")
SCORER, ADVISOR = LeadScorer(), RenewalAdvisor()


def route_lead(row: Row) -> tuple[str | None, float | None]:
    """Propose the owner of a past lead, from the seats of its team as they are today."""
    _need(row, LEAD_COLUMNS)
    choices = _seats(row["team"])
    if not choices:
        return None, None
    facts: dict[str, Value] = {
        "lead_id": row.get("lead", ""),
        "email": row.get("email") or None,
        "country": row["country"] or None,
        "country_crm": row.get("country_crm") or None,
        "industry": row["industry"] or None,
        "company_domain": row.get("company_domain") or None,
        "employees_form": _number(row, "employees_form"),
        "employees_crm": _number(row, "employees_crm"),
        "form_type": row.get("form_type", "contact"),
        "open_deals": 0,
        "territory": row["team"],
    }
    answer = _now(SCORER.propose(Question(facts, choices, datetime.now(UTC))))
    return answer.decision["owner"], min(answer.confidence, answer.data_confidence)


def judge_renewal(row: Row) -> tuple[str | None, float | None]:
    """Propose the risk of a past renewal."""
    _need(row, RENEWAL_COLUMNS)
    facts: dict[str, Value] = {
        "company_id": row.get("company_id", ""),
        "usage": _number(row, "usage"),
        "champion": row.get("champion") or None,
        "disagrees": None,
        "days_left": _number(row, "days_left"),
        **{
            name: _number(row, name)
            for name in (
                *("complaints_30d", "sev1_30d", "invoices_overdue_days"),
                "days_since_last_touch",
            )
        },
    }
    answer = _now(ADVISOR.propose(Question(facts, (), datetime.now(UTC))))
    return answer.decision["risk"], min(answer.confidence, answer.data_confidence)


@cache
def _seats(team: str) -> tuple[Choice, ...]:
    day = datetime.now(UTC).date()
    with transaction() as session:
        if sheet_on(session, Kind.ROSTER, day) is None:
            raise Invalid("no roster is in force today: `taxiway territories import` brings one")
        return tuple(
            Choice(
                owner=seat.owner_email,
                name=seat.owner_email,
                industries=tuple(seat.industries.split(";")),
                countries=tuple(seat.countries.split(";")),
            )
            for seat in seats_on(session, day, team)
        )


def _need(row: Row, columns: tuple[str, ...]) -> None:
    if missing := [name for name in columns if name not in row]:
        raise Invalid(f"its replay needs the columns {', '.join(missing)}")


def _number(row: Row, name: str) -> float | None:
    try:
        return float(row.get(name) or "")
    except ValueError:
        return None


def _now(answer: Coroutine[object, object, Answer]) -> Answer:
    """Run what waits for nothing: these agents call no system."""
    return asyncio.run(answer)
