"""How the CRM's API writes things down: objects, pages, errors, and the properties it knows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fastapi import HTTPException

from integrations.sandbox.store import Record, Store

KNOWN = {
    "contacts": (
        "email firstname lastname company website country state city zip phone jobtitle "
        "numemployees annualrevenue hubspot_owner_id lifecyclestage hs_lead_status createdate "
        "lastmodifieddate hs_object_id taxiway_form_type taxiway_message taxiway_routing_reason "
        "taxiway_lane"
    ),
    "companies": (
        "name domain country state city zip phone numberofemployees annualrevenue industry "
        "hubspot_owner_id lifecyclestage hs_num_open_deals createdate hs_lastmodifieddate "
        "hs_object_id num_associated_contacts hs_parent_company_id renewal_date notice_date "
        "renewed_on csm_email account_lead_email champion_status crm_health legal_words "
        "active_users_28d active_users_prior_56d seats_bought seats_active weeks_quiet "
        "tickets_30d complaints_30d sev1_30d invoices_overdue_days days_since_last_touch nps "
        "renewal_arr_minor taxiway_renewal_risk taxiway_renewal_play"
    ),
    "tasks": (
        "hs_task_subject hs_task_body hs_timestamp hs_task_status hs_task_priority hs_task_type "
        "hubspot_owner_id hs_createdate hs_lastmodifieddate hs_object_id"
    ),
}
DEFAULTS = {
    "contacts": ("email", "firstname", "lastname"),
    "companies": ("name", "domain"),
    "tasks": ("hs_task_subject", "hs_task_status"),
}


class Problem(HTTPException):
    """An error as the CRM tells it."""

    def __init__(  # the parts of the CRM's own error body
        self,
        status: int,
        category: str,
        message: str,
        errors: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        body: dict[str, Any] = {
            "status": "error",
            "message": message,
            "correlationId": str(uuid4()),
            "category": category,
        }
        if errors:
            body["errors"] = list(errors)
        super().__init__(status, detail=body, headers=headers)


def not_found(kind: str, number: object) -> Problem:
    """Say that there is no such object."""
    return Problem(404, "OBJECT_NOT_FOUND", f"Object not found. objectId={number} ({kind})")


def known_kind(kind: str) -> str:
    """Give the kind of object back, or refuse one that the CRM does not have."""
    if kind not in DEFAULTS:
        raise Problem(404, "OBJECT_NOT_FOUND", f"Unable to infer object type from: {kind}")
    return kind


def check_properties(store: Store, kind: str, properties: object) -> dict[str, str]:
    """Give the properties to write, or refuse them naming each bad one."""
    if not isinstance(properties, dict):
        raise Problem(400, "VALIDATION_ERROR", "Invalid input JSON: properties is required")
    known = set(KNOWN[kind].split())
    errors = [
        _bad(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        for name in properties
        if name not in known
    ]
    owner = properties.get("hubspot_owner_id")
    if owner and str(owner) not in {one["id"] for one in store.owners()}:
        errors.append(_bad("hubspot_owner_id", "INVALID_OWNER_ID", "The owner does not exist"))
    if errors:
        raise Problem(400, "VALIDATION_ERROR", "Property values were not valid", errors)
    return {name: "" if value is None else str(value) for name, value in properties.items()}


def envelope(record: Record, wanted: Sequence[str]) -> dict[str, Any]:
    """Give an object as the API shows it, with the properties that were asked for."""
    modified = "lastmodifieddate" if record.type == "contacts" else "hs_lastmodifieddate"
    created = "hs_createdate" if record.type == "tasks" else "createdate"
    own = {
        "hs_object_id": str(record.id),
        modified: _iso(record.updated),
        created: _iso(record.created),
    }
    names = [*(wanted or DEFAULTS[record.type]), *own]
    return {
        "id": str(record.id),
        "properties": {name: own.get(name, record.properties.get(name)) for name in names},
        "createdAt": _iso(record.created),
        "updatedAt": _iso(record.updated),
        "archived": record.archived,
    }


def history(owned: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every owner of an object as the API tells a property's past: the latest first."""
    return [
        {
            "value": one["owner"],
            "timestamp": _iso(one["at"]),
            "sourceType": one["source"],
            "sourceId": f"userId:{one['user']}" if one["user"] else "",
            "updatedByUserId": one["user"],
        }
        for one in sorted(owned, key=lambda one: float(one["at"]))[::-1]
    ]


def page(results: Sequence[dict[str, Any]], limit: int, after: int) -> dict[str, Any]:
    """Give one page of results, and the way to the next one."""
    body: dict[str, Any] = {"results": list(results[after : after + limit])}
    if after + limit < len(results):
        body["paging"] = {"next": {"after": str(after + limit), "link": f"?after={after + limit}"}}
    return body


def _bad(name: str, code: str, message: str) -> dict[str, Any]:
    return {"message": message, "code": code, "context": {"propertyName": [name]}}


def _iso(moment: float) -> str:
    return (
        datetime.fromtimestamp(moment, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
