"""Telling people inside: by mail and in the channel, as far as they are set; at least once."""

from collections.abc import Callable
from dataclasses import dataclass

from integrations.clock import now
from integrations.database import transaction
from integrations.mail import Mail, letter
from integrations.settings import settings
from integrations.slack import Slack, message
from rollout.people import Person, read_directory


@dataclass(frozen=True)
class Notice:
    """What a group or a person is told; its key lets a mailbox show two copies as one."""

    to: str
    subject: str
    text: str
    key: str


Link = Callable[[Person], str]


def no_link(_: Person) -> str:
    """Give no link."""
    return ""


async def tell(notice: Notice, link: Link = no_link) -> int:
    """
    Tell everybody behind a name; gives how many ways it went. Raises `Unavailable`.

    A link is one person's, so that it goes by mail only.
    """
    known, ways = settings(), 0
    with transaction() as session:
        people = read_directory(session).who(notice.to, now().date())
    if known.mail_url and known.mail_from:
        for person in people:
            if person.mail:
                await _write(person.mail, notice, link(person))
                ways += 1
    if channel := known.slack_url.get_secret_value():
        slack = Slack.at(channel, known.http_timeout_seconds)
        try:
            await slack.send(message(f"{notice.to}: {notice.subject}\n{notice.text}"))
        finally:
            await slack.close()
        ways += 1
    return ways


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
