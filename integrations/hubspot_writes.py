"""
Writes to the CRM, built apart from being sent: each gives (method, path, body).
"""

import json
from datetime import datetime
from typing import Any

from integrations.hubspot_records import LANE
from integrations.hubspot_renewals import PLAY, RISK

CONTACTS = "/crm/v3/objects/contacts"
COMPANIES = "/crm/v3/objects/companies"
TASKS = "/crm/v3/objects/tasks"
TASK_TO = {"contact": 204, "company": 192}  #: HubSpot's own association types

Built = tuple[str, str, bytes]


def owner_patch(contact_id: str, owner_id: str, reason: str) -> Built:
    """Build the write that gives a contact an owner, and says why on the record."""
    properties = {"hubspot_owner_id": owner_id, "taxiway_routing_reason": reason[:500]}
    return "PATCH", f"{CONTACTS}/{contact_id}", _bytes({"properties": properties})


def task_creation(
    *, subject: str, body: str, due: datetime, kind: str, record: str, owner: str = ""
) -> Built:
    """Build the write that creates a task on a contact or a company; `owner`: who is to do it."""
    properties = {
        "hs_task_subject": subject,
        "hs_task_body": body,
        "hs_timestamp": due.isoformat(),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "HIGH",
        "hs_task_type": "TODO",
    }
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TASK_TO[kind]}
    content = {
        "properties": {**properties, "hubspot_owner_id": owner} if owner else properties,
        "associations": [{"to": {"id": record}, "types": [link]}],
    }
    return "POST", TASKS, _bytes(content)


def lane_patch(contact_id: str, lane: str) -> Built:
    """Build the write that says in whose lane a contact is; empty for nobody's."""
    return "PATCH", f"{CONTACTS}/{contact_id}", _bytes({"properties": {LANE: lane}})


def risk_patch(company_id: str, risk: str, play: str) -> Built:
    """Build the write that says how much a renewal is at risk, and what is to be done."""
    properties = {RISK: risk, PLAY: play}
    return "PATCH", f"{COMPANIES}/{company_id}", _bytes({"properties": properties})


def contact_upsert(email: str, properties: dict[str, str]) -> Built:
    """Build the write that makes a contact or changes the one with this e-mail address."""
    one = {"id": email, "idProperty": "email", "properties": {**properties, "email": email}}
    return "POST", f"{CONTACTS}/batch/upsert", _bytes({"inputs": [one]})


def task_removal(task_id: str) -> Built:
    """Build the write that puts a task away; people can bring it back for 90 days."""
    return "DELETE", f"{TASKS}/{task_id}", b""


def _bytes(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
