"""
Mail, by SMTP.

A server that has taken a message says so once. Where that word got lost, the message may be on
its way; mail knows no key, and its Message-ID only lets a mailbox show two copies as one.
"""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from integrations.errors import Refused, Unavailable

SYSTEM = "the mail server"
TRANSIENT = range(400, 500)  #: RFC 5321, 4.2.1: try again later


class Mail:
    """A mail server. Raises `Refused`, and `Unavailable` with what is known of the message."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        """Take smtp://user:password@host:port, which turns to TLS where it can, or smtps://."""
        place = urlsplit(url)
        self._server = SMTP(
            hostname=place.hostname,
            port=place.port,
            username=unquote(place.username) if place.username else None,
            password=unquote(place.password) if place.password else None,
            use_tls=place.scheme == "smtps",
            timeout=timeout,
        )

    async def send(self, recipient: str, sender: str, content: bytes) -> str:
        """Hand stored bytes over; gives the server's word for it, which names the message."""
        await self._open(sender, recipient)
        try:
            said = await self._server.data(content)
        except SMTPResponseException as error:
            raise _refusal(error) from None
        except (SMTPServerDisconnected, SMTPTimeoutError, OSError) as error:
            raise Unavailable(SYSTEM, f"{type(error).__name__} after the message") from None
        finally:
            self._server.close()
        return said.message[:200]

    async def _open(self, sender: str, recipient: str) -> None:
        """Come as far as the message itself: until then nothing has been sent."""
        try:
            await self._server.connect()
            await self._server.mail(sender)
            await self._server.rcpt(recipient)
        except SMTPResponseException as error:
            self._server.close()
            raise _refusal(error) from None
        except (SMTPException, OSError) as error:
            self._server.close()
            raise Unavailable(SYSTEM, type(error).__name__, sent=False) from None


def _refusal(error: SMTPResponseException) -> Refused | Unavailable:
    if error.code in TRANSIENT and not isinstance(error, SMTPAuthenticationError):
        return Unavailable(SYSTEM, f"it answered {error.code}", sent=False)
    return Refused(SYSTEM, error.code, type(error).__name__.removeprefix("SMTP"))


def letter(
    *, sender: str, recipient: str, subject: str, text: str, key: str, at: datetime
) -> bytes:
    """Build a plain-text message; a subject is one line, whatever it is made of."""
    made = EmailMessage(policy=LINES)
    subject = " ".join(subject.encode(errors="replace").decode().split())
    made["From"], made["To"], made["Subject"] = sender, recipient, subject
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{key}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine is to answer it
    made.set_content(text.encode(errors="replace").decode())
    return made.as_bytes()
