"""Letters and posts: what arrives is what was meant, and what is not known is said to be so."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from flows.doors.ports import any_free
from integrations.errors import Refused, Unavailable
from integrations.mail import Mail, letter
from integrations.sandbox.client import Sandbox
from integrations.slack import Slack, message

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
FROM, TO = "taxiway@taxi.example", "ann@taxi.example"


@dataclass
class Mailbox:
    """What a mail server does with a message: it takes it, says a number, or hangs up."""

    says: str = "250 taken as 4711"
    hangs_up: str = ""  #: before or after it has taken the message
    letters: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802 # aiosmtpd's name
        if self.says.startswith("2") and self.hangs_up != "before":
            assert isinstance(envelope.content, bytes)
            self.letters.append(envelope.content)
        if self.hangs_up:
            server.transport.abort()  # type: ignore[union-attr] # it has one while it answers
            await asyncio.sleep(0)
        return self.says

    async def handle_RCPT(  # noqa: N802 # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("full"):
            return "452 full, later"
        envelope.rcpt_tos.append(address)
        return "250 ok"


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(box: Mailbox) -> Iterator[Mail]:
    port = any_free()
    there = Controller(box, hostname="127.0.0.1", port=port)
    there.start()
    yield Mail(f"smtp://127.0.0.1:{port}", timeout=3)
    there.stop()


def a_letter(subject: str = "L-7 waits for you", text: str = "Due 09:00 UTC.") -> bytes:
    return letter(sender=FROM, recipient=TO, subject=subject, text=text, key="k1", at=WHEN)


async def test_a_letter_arrives_as_it_was_stored(server: Mail, box: Mailbox) -> None:
    stored = a_letter("Grüße", "Zeile eins\n.\nZeile zwei: ü\n")
    assert "4711" in await server.send(TO, FROM, stored)
    (arrived,) = box.letters
    read = message_from_bytes(arrived, policy=default)

    assert (read["Subject"], read["From"], read["To"]) == ("Grüße", FROM, TO)
    assert read["Message-ID"] == "<k1@taxi.example>"
    assert read.get_content().splitlines() == ["Zeile eins", ".", "Zeile zwei: ü"]


def test_nobody_slips_a_header_into_a_letter() -> None:
    read = message_from_bytes(a_letter("Hi\r\nBcc: everybody@x.example"), policy=default)
    assert (read["Subject"], read["Bcc"]) == ("Hi Bcc: everybody@x.example", None)


@pytest.mark.parametrize("hangs_up", ["before", "after"])
async def test_a_letter_whose_receipt_got_lost_is_unknown(
    server: Mail, box: Mailbox, hangs_up: str
) -> None:
    box.hangs_up = hangs_up
    with pytest.raises(Unavailable) as told:
        await server.send(TO, FROM, a_letter())
    assert told.value.sent is None


@pytest.mark.parametrize(
    ("to", "says", "error"),
    [
        ("nobody@x.example", "250 ok", Refused),
        ("full@x.example", "250 ok", Unavailable),
        (TO, "554 spam", Refused),
        (TO, "451 later", Unavailable),
    ],
)
async def test_a_no_is_told_from_a_later(
    server: Mail, box: Mailbox, to: str, says: str, error: type[Exception]
) -> None:
    box.says = says
    with pytest.raises(error) as told:
        await server.send(to, FROM, a_letter())
    assert box.letters == []
    assert getattr(told.value, "sent", False) is False


async def test_without_a_server_nothing_was_sent() -> None:
    with pytest.raises(Unavailable) as told:
        await Mail(f"smtp://127.0.0.1:{any_free()}", timeout=1).send(TO, FROM, a_letter())
    assert told.value.never_sent


async def test_a_post_is_what_was_meant_and_nothing_in_it_is_live(
    channel: Slack, sandbox: Sandbox
) -> None:
    text = f"<!channel> & <https://evil.example|click> {uuid4().hex}"
    await channel.send(message(text))
    posted = sandbox.requests()[-1]["content"]

    assert posted["blocks"][0]["text"] == {"type": "plain_text", "text": text}
    assert "<" not in posted["text"]


async def test_what_slack_says_no_to_is_told(channel: Slack) -> None:
    with pytest.raises(Refused, match="400: no_text"):
        await channel.send(b'{"blocks": []}')
    with pytest.raises(Refused, match="400: invalid_payload"):
        await channel.send(b"{")


async def test_a_post_without_an_answer_is_unknown(channel: Slack, sandbox: Sandbox) -> None:
    sandbox.fault(do="reset_after_apply", method="POST", path="/services/")
    with pytest.raises(Unavailable) as told:
        await channel.send(message("hello"))
    assert told.value.sent is None
    assert "secret" not in str(told.value)
