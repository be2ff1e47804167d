"""
The desk: where a person answers in a browser, by the link that was sent to them.

GET shows and POST decides, since mail scanners follow links. The page loads nothing and runs
nothing; what stands on it from outside is text.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from flows.catalog import workflow
from flows.doors.desk_page import FOLDS, Made, Page, message_page, review_page
from integrations.clock import now
from integrations.database import transaction
from integrations.links import LinkExpired, LinkRefused, Pass, read_token
from integrations.settings import settings
from rollout.answers import Answer, Proof, Reason, Verb
from rollout.asides import talk
from rollout.brief import brief_of
from rollout.case import Proposal, find_case
from rollout.decisions import Decision, decision_step
from rollout.errors import Conflict, Invalid, NotYours, TaxiwayError
from rollout.ledger import recall
from rollout.people import Person, read_directory
from rollout.reviews import ReviewRow, Status, find_review
from rollout.rights import Ruling
from tasks.decisions import take_answer

MOST_BYTES = 65_536
EDIT = "set-"  #: how the names of editable fields begin
desk = APIRouter()


@desk.get("/reviews/{token}")
async def show(token: str) -> HTMLResponse:
    """Show a review to the person whom the link names."""
    return await run_in_threadpool(_show, token)


@desk.post("/reviews/{token}")
async def decide(token: str, request: Request) -> HTMLResponse:
    """Take that person's answer."""
    body = await body_of(request)
    if body is None:
        return _told("This is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return await run_in_threadpool(_decide, token, body)


async def body_of(request: Request) -> bytes | None:
    """Give what was sent; None where it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    return body


def _show(token: str) -> HTMLResponse:
    try:
        held, person = who(token)
        return _page(held, person)
    except LinkRefused as no:
        return _told(str(no), status_of(no))
    except TaxiwayError as no:
        return _told(str(no), HTTPStatus.NOT_FOUND)


def _decide(token: str, body: bytes) -> HTMLResponse:
    try:
        held, person = who(token)
    except LinkRefused as no:
        return _told(str(no), status_of(no))
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        with transaction() as session:
            review = find_review(session, held.review)
        contract = workflow(review.workflow).contract
        taken = take_answer(
            contract, review.id, _answer(held, person, fields), fields.get("to", "")[:100]
        )
    except (Invalid, ValueError) as no:
        return _page(held, person, wrong=str(no), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except NotYours as no:
        return _told(str(no), HTTPStatus.FORBIDDEN)
    except Conflict as no:
        return _told(str(no), HTTPStatus.CONFLICT)
    except TaxiwayError as no:
        return _told(str(no), HTTPStatus.NOT_FOUND)
    return _told(f"{taken.words} Thank you, {person.name}.", HTTPStatus.OK)


def who(token: str) -> tuple[Pass, Person]:
    """Read a link, and find the person whom it names; raises `LinkRefused`."""
    key = settings().link_key.get_secret_value()
    if not key:
        raise LinkRefused("Links are not set up here (TAXIWAY_LINK_KEY).")
    held = read_token(token, key, now())
    with transaction() as session:
        person = read_directory(session).people.get(held.person)
    if person is None or not person.is_here(now().date()):
        raise LinkRefused("This link is for somebody who does not work here any more.")
    return held, person


def _page(
    held: Pass, person: Person, *, wrong: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HTMLResponse:
    with transaction() as session:
        review = find_review(session, held.review)
        proposal = recall(session, review.case_id, review.step, Proposal)
        ruling = recall(session, review.case_id, f"ruling-{review.nth}", Ruling)
        decision = recall(session, review.case_id, decision_step(review.nth), Decision)
        label = find_case(session, review.case_id).label
        said = talk(session, review.case_id)
    if decision is not None:
        when = f"{decision.at:%Y-%m-%d %H:%M} UTC"
        return _told(f"{review.id} was decided: {decision.verb} by {decision.by} at {when}.")
    if review.status != Status.OPEN or proposal is None or ruling is None:
        return _told(f"{review.id} is {review.status}: there is nothing left to decide.")
    contract = workflow(review.workflow).contract
    content = review_page(
        Page(
            brief=brief_of(contract, review, proposal, ruling, label, said),
            person=person.name,
            proposed=_shown(review, proposal),
            choices={field: list(values) for field, values in review.choices.items()},
            reasons=tuple(reason.value for reason in Reason),
            wrong=wrong,
            shown_at=int(now().timestamp()),
        )
    )
    return as_response(content, status)


def _shown(review: ReviewRow, proposal: Proposal) -> dict[str, str]:
    """Give what was proposed for each field that can be edited; nothing before a blind answer."""
    if review.blind:
        return {}
    return {field: proposal.action.arguments[field] for field in review.choices}


def _answer(held: Pass, person: Person, fields: dict[str, str]) -> Answer:
    verb = Verb(fields.get("verb", "")) if fields.get("verb") in set(Verb) else None
    if verb is None:
        raise Invalid(f"say what you answer: {', '.join(Verb)}")
    reason = fields.get("reason", "")
    if reason and reason not in set(Reason):
        raise Invalid(f"{reason} is not a reason")
    edit = {
        name.removeprefix(EDIT): value
        for name, value in fields.items()
        if name.startswith(EDIT) and value
    }
    return Answer(
        verb=verb,
        by=person.id,
        proof=Proof.LINK,
        channel="link",
        edit=edit if verb is Verb.EDIT else {},
        reason=Reason(reason) if reason else None,
        comment=fields.get("comment", "")[:2000],
        action_hash=held.action_hash,
        looked_seconds=_looked(fields.get("shown", "")),
        expanded=tuple(one for one in FOLDS if fields.get(f"opened-{one}")),
    )


def _looked(shown_at: str) -> float | None:
    """Give the seconds since the page was shown; None where it does not say so."""
    if not shown_at.isdigit() or len(shown_at) > 12:
        return None
    return max(0.0, now().timestamp() - int(shown_at))


def _told(words: str, status: HTTPStatus = HTTPStatus.OK) -> HTMLResponse:
    return as_response(message_page(words), status)


def as_response(page: Made, status: HTTPStatus) -> HTMLResponse:
    """Give a page as an answer."""
    return HTMLResponse(page.html, status, headers=page.headers)


def status_of(no: LinkRefused) -> HTTPStatus:
    """Give how a link is refused."""
    return HTTPStatus.GONE if isinstance(no, LinkExpired) else HTTPStatus.FORBIDDEN
