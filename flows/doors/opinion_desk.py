"""
The desk of further opinions: one link shows what waits for a person, one case after another.

GET shows and POST decides, as on the desk of reviews. Whose answer is whose is not told, and a
recheck shows no answer at all.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from flows.catalog import workflow
from flows.doors.desk import EDIT, as_response, body_of, status_of, who
from flows.doors.desk_page import message_page
from flows.doors.opinion_page import OpinionPage, opinion_page
from integrations.clock import now
from integrations.database import transaction
from integrations.links import LinkRefused, Pass
from rollout.contract import Contract
from rollout.errors import Conflict, Invalid, NotYours, TaxiwayError
from rollout.opinions import Side, find_opinion, next_for
from rollout.people import Person, read_directory
from rollout.rechecks import take_word
from tasks.opinions import SCOPE, offered, shown

opinion_desk = APIRouter()


@opinion_desk.get("/opinions/{token}")
async def show(token: str) -> HTMLResponse:
    """Show the next case of which the person whom the link names is asked."""
    return await run_in_threadpool(_answered, token, b"")


@opinion_desk.post("/opinions/{token}")
async def answer(token: str, request: Request) -> HTMLResponse:
    """Take that person's word, and show the next case."""
    body = await body_of(request)
    if body is None:
        return _told("This is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return await run_in_threadpool(_answered, token, body)


def _answered(token: str, body: bytes) -> HTMLResponse:
    try:
        held, person = who(token)
        contract = _contract(held)
    except LinkRefused as no:
        return _told(str(no), status_of(no))
    if not body:
        return _next(contract, person)
    try:
        words = _take(contract, person, dict(parse_qsl(body.decode(), keep_blank_values=True)))
    except (Invalid, ValueError) as no:
        return _next(contract, person, f"Your answer was not taken: {no}", HTTPStatus(422))
    except NotYours as no:
        return _told(str(no), HTTPStatus.FORBIDDEN)
    except Conflict as no:
        return _next(contract, person, str(no), HTTPStatus.CONFLICT)
    except TaxiwayError as no:
        return _told(str(no), HTTPStatus.NOT_FOUND)
    return _next(contract, person, words)


def _contract(held: Pass) -> Contract:
    if not held.review.startswith(SCOPE):
        raise LinkRefused("This link is for a review, not for further opinions.")
    return workflow(held.review.removeprefix(SCOPE)).contract


def _take(contract: Contract, person: Person, fields: dict[str, str]) -> str:
    side = fields.get("side", "")
    if side and side not in set(Side):
        raise Invalid(f"{side[:20]!r} is no answer; known: {', '.join(Side)}")
    own = {
        name.removeprefix(EDIT): value.strip()
        for name, value in fields.items()
        if name.startswith(EDIT) and value.strip()
    }
    with transaction() as session:
        row = find_opinion(session, fields.get("opinion", "")[:100])
        if row.workflow != contract.workflow:
            raise NotYours(f"{row.id} is not of {contract.workflow}.")
        taken = take_word(
            session,
            read_directory(session),
            contract,
            row.id,
            by=person.id,
            side=Side(side) if side else None,
            answer=own or None,
            now=now(),
        )
    return f"{taken.case_id}: your word is on record. Thank you, {person.name}."


def _next(
    contract: Contract, person: Person, told: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HTMLResponse:
    with transaction() as session:
        row = next_for(session, read_directory(session), contract, person.id, now())
        if row is None:
            return _told(f"{told} Nothing waits for you here.".strip(), status)
        found = shown(session, contract, row)
        page = OpinionPage(
            opinion=row.id,
            workflow=contract.workflow,
            person=person.name,
            shown=found,
            offered=offered(session, contract.workflow) if found.fields else {},
            told=told,
        )
    return as_response(opinion_page(page), status)


def _told(words: str, status: HTTPStatus) -> HTMLResponse:
    return as_response(message_page(words), status)
