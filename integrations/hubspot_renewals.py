"""
What the CRM tells of a customer's renewal, as plain values.

An installation adds these properties to companies, and its product, its helpdesk and its billing
fill them every night: most CRMs are fed that way. What nobody fills is not known, and not zero.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

RISK = "taxiway_renewal_risk"
PLAY = "taxiway_renewal_play"
FIGURES = (
    *("active_users_28d", "active_users_prior_56d", "seats_bought", "seats_active"),
    *("weeks_quiet", "tickets_30d", "complaints_30d", "sev1_30d", "invoices_overdue_days"),
    *("days_since_last_touch", "nps", "renewal_arr_minor"),
)
DAYS = ("renewal_date", "notice_date", "renewed_on")
WORDS = ("name", "csm_email", "account_lead_email", "champion_status", "crm_health", "legal_words")
RENEWAL_PROPERTIES = (*WORDS, *DAYS, *FIGURES, RISK)


@dataclass(frozen=True)
class Account:
    """A customer, as far as its renewal goes; None: nobody has said."""

    id: str
    words: dict[str, str]
    days: dict[str, date]
    figures: dict[str, float]
    risk: str | None


def read_account(found: dict[str, Any]) -> Account:
    """Give a customer as the API tells it; a value that is not of its kind counts as not said."""
    said = found["properties"]
    return Account(
        id=found["id"],
        words={name: said[name] for name in WORDS if said.get(name)},
        days={name: day for name in DAYS if (day := _day(said.get(name)))},
        figures={
            name: number for name in FIGURES if (number := _number(said.get(name))) is not None
        },
        risk=said.get(RISK) or None,
    )


def _day(said: str | None) -> date | None:
    try:
        return date.fromisoformat((said or "")[:10])
    except ValueError:
        return None


def _number(said: str | None) -> float | None:
    try:
        number = float(said or "")
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None
