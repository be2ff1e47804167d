"""Messages to people, each sent at most once: where nobody can tell, a person is told instead."""

from collections.abc import Mapping

from integrations.clock import now
from integrations.mail import Mail, letter
from integrations.settings import SettingsError, settings
from integrations.slack import Slack, message
from rollout.case import Action, Case
from rollout.effects import Basis, Intent, Request, key_of
from tasks.effects import Write

SLACK = "message.slack"
MAIL = "message.mail"


def post(channel: Slack, *, step: str, text: str, basis: Basis) -> Write:
    """Post a text to a channel."""
    return Write(
        intent=Intent(
            step=step,
            action=Action(name=SLACK, target="channel", arguments={}),
            request=Request(method="POST", path="", body=message(text)),
            basis=basis,
        ),
        push=lambda request: channel.send(request.body),
        look=_nothing,
    )


def write_to(
    server: Mail, case: Case, *, step: str, recipient: str, subject: str, text: str, basis: Basis
) -> Write:
    """Write a letter to somebody."""
    sender = settings().mail_from
    if not sender:
        raise SettingsError("TAXIWAY_MAIL_FROM is missing: whose letters are these?")
    body = letter(
        sender=sender,
        recipient=recipient,
        subject=subject,
        text=text,
        key=key_of(case, step),
        at=now(),
    )
    return Write(
        intent=Intent(
            step=step,
            action=Action(name=MAIL, target="person", arguments={"subject": subject}),
            request=Request(method="DATA", path=recipient, body=body),
            basis=basis,
        ),
        push=lambda request: server.send(request.path, sender, request.body),
        look=_nothing,
    )


async def _nothing() -> Mapping[str, str | None]:
    return {}
