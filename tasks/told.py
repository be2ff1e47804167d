"""Telling people inside: by mail and in the channel, as far as they are set; at least once."""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import OutsideError, Refused
from integrations.mail import Mail, letter
from integrations.settings import settings
from integrations.slack import Slack, message
from rollout.notices import MAIL, SLACK
from rollout.people import Person, read_directory


@dataclass(frozen=True)
class Notice:
    """What a group or a person is told; its key lets a mailbox show two copies as one."""

    to: str
    subject: str
    text: str
    key: str
    channels: tuple[str, ...] = (MAIL, SLACK)


Link = Callable[[Person], str]
Way = Callable[[], Awaitable[None]]
logger = logging.getLogger("taxiway.told")


def no_link(_: Person) -> str:
    """Give no link."""
    return ""


@dataclass(frozen=True)
class Told:
    """The ways in which a notice went out, or never will; and whether others are still to come."""

    ways: frozenset[str]
    later: bool


async def tell(notice: Notice, already: Collection[str] = (), link: Link = no_link) -> Told:
    """
    Tell everybody behind a name, except in the ways that were used already.

    Each way is by itself: one that fails holds up no other and repeats none. A link is one
    person's, so that it goes by mail only.
    """
    done, later = set[str](), False
    for name, way in _ways(notice, link):
        if name in already:
            continue
        try:
            await way()
        except Refused as no:
            logger.warning("%s: %s cannot be told: %s", notice.subject, name, no)
        except OutsideError as error:
            logger.warning("%s: %s is told later: %s", notice.subject, name, error)
            later = True
            continue
        done.add(name)
    return Told(frozenset(done), later)


def _ways(notice: Notice, link: Link) -> Iterator[tuple[str, Way]]:
    known = settings()
    with transaction() as session:
        people = read_directory(session).who(notice.to, now().date())
    if MAIL in notice.channels and known.mail_url.get_secret_value() and known.mail_from:
        for person in people:
            if person.mail:
                yield f"mail:{person.id}", partial(_write, person.mail, notice, link(person))
    if SLACK in notice.channels and known.slack_url.get_secret_value():
        yield "slack", partial(_post, notice)


async def _post(notice: Notice) -> None:
    known = settings()
    slack = Slack.at(known.slack_url.get_secret_value(), known.http_timeout_seconds)
    try:
        await slack.send(message(f"{notice.to}: {notice.subject}\n{notice.text}"))
    finally:
        await slack.close()


async def _write(address: str, notice: Notice, link: str) -> None:
    known = settings()
    content = letter(
        sender=known.mail_from,
        recipient=address,
        subject=notice.subject,
        text=f"{notice.text}\n{link}" if link else notice.text,
        key=notice.key,
        at=now(),
    )
    server = Mail(known.mail_url.get_secret_value(), known.http_timeout_seconds)
    await server.send(address, known.mail_from, content)
