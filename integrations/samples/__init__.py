"""
A sample world of our own making: an invented CRM, invented leads, and what people decided.

All names are invented and all domains end in .example (or are well-known free mail).
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

Row = dict[str, str]
SUBMITTED = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  #: the first sample lead; one every 7 minutes


@dataclass(frozen=True)
class SampleLead:
    """One lead: the form's content, and what a trial expects of it."""

    key: str
    phase: str  #: shadow, recommend or limited
    branch: str  #: the way it should take
    human: str  #: the owner a person chose, or the exception
    special: str  #: what is odd about its webhook, if anything
    form: dict[str, Any]  #: the data of `lead.created`


def sheet(name: str) -> Path:
    """Give the path of a sheet that ships with the samples, for example territories.csv."""
    return Path(str(files(__name__).joinpath(name)))


def leads() -> list[SampleLead]:
    """Give the sample leads in the order in which they arrive."""
    return [
        SampleLead(
            key=row["key"],
            phase=row["phase"],
            branch=row["branch"],
            human=row["human"],
            special=row["special"],
            form=_form(row, SUBMITTED + timedelta(minutes=7 * number)),
        )
        for number, row in enumerate(_rows("leads.csv"))
    ]


def crm() -> dict[str, list[dict[str, Any]]]:
    """Give the CRM behind the sample leads, as the sandbox is seeded with it."""
    rows = list(_rows("leads.csv"))
    return {
        "owners": [
            {
                "id": row["id"],
                "email": row["email"],
                "firstName": row["first_name"],
                "lastName": row["last_name"],
                "userId": int(row["id"]),
                "archived": bool(row["archived"]),
            }
            for row in _rows("owners.csv")
        ],
        "companies": [
            *(_company(row) for row in rows if row["company_id"]),
            *(_other_company(row) for row in _rows("companies.csv")),
        ],
        "contacts": [
            *(_contact(row) for row in rows),
            *(_other_contact(row) for row in _rows("contacts.csv")),
        ],
    }


def customers(today: date) -> list[dict[str, Any]]:
    """Give customers before their renewal, as the sandbox is seeded with them on a day."""
    return [{"id": row["id"], "properties": _renewal(row, today)} for row in _rows("renewals.csv")]


def history() -> list[Row]:
    """Give past leads with the owner that people chose, for the scorer's calibration."""
    return list(_rows("history.csv"))


def roster() -> list[Row]:
    """Give who sits on which team."""
    return list(_rows("roster.csv"))


def _rows(name: str) -> Iterator[Row]:
    with sheet(name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _form(row: Row, submitted: datetime) -> dict[str, Any]:
    content: dict[str, Any] = {
        "submission_id": f"form-{row['key']}",
        "contact_id": row["contact_id"],
        "form_type": row["form_type"],
        "submitted_at": submitted.isoformat(),
        "consent": row["special"] != "no-consent",
        "email": row["email"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "company": row["company"],
        "website": f"https://{row['company_domain']}" if row["company_domain"] else "",
        "country": row["country"],
        "job_title": row["job_title"],
        "free_text": row["free_text"],
    }
    if row["employees_form"]:
        content["employee_count"] = int(row["employees_form"])
    return {name: value for name, value in content.items() if value != ""}


def _company(row: Row) -> dict[str, Any]:
    return {
        "id": row["company_id"],
        "properties": _filled(
            name=row["company"],
            domain=row["company_domain"],
            country=row["country_crm"],
            numberofemployees=row["employees_crm"],
            industry=row["industry"],
            hubspot_owner_id=row["company_owner"],
            lifecyclestage=row["lifecycle"],
            hs_num_open_deals=row["open_deals"],
        ),
    }


def _contact(row: Row) -> dict[str, Any]:
    return {
        "id": row["contact_id"],
        "company_id": row["company_id"] or None,
        "properties": _filled(
            email=row["email"],
            firstname=row["first_name"],
            lastname=row["last_name"],
            company=row["company"],
            country=row["country"],
            jobtitle=row["job_title"],
            lifecyclestage="lead",
            taxiway_form_type=row["form_type"],
            taxiway_message=row["free_text"],
            hubspot_owner_id="7001" if row["special"] == "owned" else "",
        ),
    }


def _other_company(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "properties": _filled(
            name=row["name"],
            domain=row["domain"],
            country=row["country"],
            numberofemployees=row["employees"],
            industry=row["industry"],
            hubspot_owner_id=row["owner"],
            hs_parent_company_id=row["parent"],
            hs_num_open_deals="0",
        ),
    }


def _renewal(row: Row, today: date) -> dict[str, Any]:
    def day(words: str, sign: int = 1) -> str:
        return (today + timedelta(days=sign * int(words))).isoformat() if words else ""

    return _filled(
        name=row["name"],
        domain=row["domain"],
        lifecyclestage="customer",
        renewal_date=day(row["renews_in"]),
        notice_date=day(row["notice_in"]),
        renewed_on=day(row["renewed_ago"], -1),
        csm_email=row["csm"],
        account_lead_email=row["account_lead"],
        champion_status=row["champion"],
        crm_health=row["crm_health"],
        legal_words=row["legal"],
        renewal_arr_minor=f"{row['arr']}00",
        active_users_28d=row["active_28d"],
        active_users_prior_56d=row["prior_56d"],
        seats_bought=row["seats"],
        seats_active=row["seats_active"],
        weeks_quiet=row["weeks_quiet"],
        complaints_30d=row["complaints"],
        sev1_30d=row["sev1"],
        invoices_overdue_days=row["overdue"],
        days_since_last_touch=row["touched"],
        nps=row["nps"],
    )


def _other_contact(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "company_id": None,
        "properties": _filled(
            email=row["email"],
            firstname=row["first_name"],
            lastname=row["last_name"],
            company=row["company"],
        ),
    }


def _filled(**properties: str) -> dict[str, str]:
    return {name: value for name, value in properties.items() if value}
