"""The way to a review: for each person a signed link of their own, which ends with the review."""

from integrations.database import transaction
from integrations.links import Pass, token_of
from integrations.settings import settings
from rollout.deadlines import runs_out_at
from rollout.people import Person
from rollout.reviews import find_review
from tasks.told import Link, no_link


def link_to(review_id: str) -> Link:
    """Give the way to each one's own link to a review; none where links are not set up."""
    known = settings()
    place, key = known.hooks_public_url or known.hooks_url, known.link_key.get_secret_value()
    with transaction() as session:
        review = find_review(session, review_id)
        until = runs_out_at(session, review.id)
    if not place or not key or until is None:
        return no_link

    def link(person: Person) -> str:
        held = Pass(person.id, review.id, review.action_hash, int(until.timestamp()))
        return f"{place.rstrip('/')}/reviews/{token_of(held, key)}"

    return link
