"""Writes to the helpdesk, each once: a ticket made, given to somebody, commented."""

from collections.abc import Mapping

from integrations.request_tracker import (
    RequestTracker,
    comment,
    owner_change,
    ticket_creation,
)
from rollout.case import Action, Case
from rollout.effects import Basis, Intent, Request, key_of
from tasks.effects import Write

TICKET = "helpdesk.ticket"
OWNER = "helpdesk.ticket.owner"
COMMENT = "helpdesk.ticket.comment"

Values = Mapping[str, str | None]


def make_ticket(
    helpdesk: RequestTracker,
    case: Case,
    *,
    step: str,
    queue: str,
    subject: str,
    requestor: str,
    content: str,
    basis: Basis,
) -> Write:
    """Write a new ticket; found again by the key that it links to."""
    key = key_of(case, step)
    method, path, body = ticket_creation(
        queue=queue, subject=subject, requestor=requestor, content=content, key=key
    )
    return Write(
        intent=Intent(
            step=step,
            action=Action(name=TICKET, target=f"queue/{queue}", arguments={"subject": subject}),
            request=Request(method=method, path=path, body=body),
            basis=basis,
        ),
        push=lambda request: helpdesk.send(request.method, request.path, request.body),
        look=_nothing,
        find=lambda: helpdesk.find_ticket(key),
    )


def give_ticket(
    helpdesk: RequestTracker,
    *,
    step: str,
    ticket_id: str,
    owner: str,
    before: str | None,
    basis: Basis,
) -> Write:
    """Give a ticket to somebody, over exactly the version that was looked at."""
    method, path, body = owner_change(ticket_id, owner)
    seen = ""

    async def look() -> Values:
        nonlocal seen
        ticket = await helpdesk.read_ticket(ticket_id)
        seen = ticket.version
        return {"owner": ticket.owner}

    async def push(request: Request) -> str:
        return await helpdesk.send(request.method, request.path, request.body, seen)

    return Write(
        intent=Intent(
            step=step,
            action=Action(name=OWNER, target=f"ticket/{ticket_id}", arguments={"owner": owner}),
            request=Request(method=method, path=path, body=body),
            basis=basis,
            expected={"owner": before},
            changes={"owner": owner},
        ),
        push=push,
        look=look,
    )


def comment_on(
    helpdesk: RequestTracker, case: Case, *, step: str, ticket_id: str, content: str, basis: Basis
) -> Write:
    """Write a note that the customer does not see; found again by the key in its heading."""
    key = key_of(case, step)
    method, path, body = comment(ticket_id, content=content, key=key)
    return Write(
        intent=Intent(
            step=step,
            action=Action(name=COMMENT, target=f"ticket/{ticket_id}", arguments={}),
            request=Request(method=method, path=path, body=body),
            basis=basis,
        ),
        push=lambda request: helpdesk.send(request.method, request.path, request.body),
        look=_nothing,
        find=lambda: helpdesk.find_comment(ticket_id, key),
    )


async def _nothing() -> Values:
    return {}
