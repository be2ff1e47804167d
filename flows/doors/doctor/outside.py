"""What is outside: the receiver as its senders find it, the CRM, the heartbeat address."""

import asyncio

import httpx

from flows.doors.doctor.finding import Answer, Question, broken, look, well
from flows.doors.state import read_state
from integrations.hubspot import HubSpot
from integrations.settings import SettingsError, home, settings


def _receiver() -> Answer:
    public = settings().hooks_public_url
    url = public or read_state(home()).hooks_url
    if not url:
        return look("none is known here", "start `taxiway up`, or set TAXIWAY_HOOKS_PUBLIC_URL")
    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=5).raise_for_status()
    except httpx.HTTPError as error:
        return broken(
            f"{url} does not answer ({type(error).__name__})",
            "is the proxy's way to the receiver right?" if public else "start `taxiway up`",
        )
    return well(f"{url} answers")


def _sources() -> Answer:
    known = settings()
    if not known.hook_secrets:
        return broken("there is no source, so no webhook is taken", "set TAXIWAY_HOOK_SECRETS")
    return well(
        ", ".join(
            f"{name} ({known.style_of(name)}, {len(keys)} key{'s' if len(keys) > 1 else ''})"
            for name, keys in known.hook_secrets.items()
        )
    )


def _crm() -> Answer:
    known = settings()
    if not known.crm_url:
        raise SettingsError("no CRM is known here: start `taxiway up`, or set TAXIWAY_CRM_URL")
    reads = known.crm_read_token.get_secret_value()
    if not reads:
        return broken(
            "there is no token that may only read, so no case is handed any",
            "make a private app with the .read scopes alone, and set TAXIWAY_CRM_READ_TOKEN",
        )
    owners, scopes = asyncio.run(_owners_and_scopes(known.crm_url, reads))
    if beyond := [one for one in scopes if one.endswith(".write")]:
        return broken(
            f"the token that should only read may write: {', '.join(beyond)}",
            "take these scopes from its private app",
        )
    return well(f"{known.crm_url} lets us read; {owners} owners")


async def _owners_and_scopes(url: str, token: str) -> tuple[int, list[str]]:
    crm = HubSpot.at(url, token, timeout=5)
    try:
        return len(await crm.owners()), await crm.scopes(token)
    finally:
        await crm.close()


def _alarm() -> Answer:
    if not settings().heartbeat_url:
        return look(
            "nobody outside would notice if all of this stood still",
            "set TAXIWAY_HEARTBEAT_URL to a dead man's alarm",
        )
    return well("is called by each watch that goes well")


def _notices() -> Answer:
    known = settings()
    mail = bool(known.mail_url.get_secret_value() and known.mail_from)
    slack = bool(known.slack_url.get_secret_value())
    if mail or slack:
        return well(" and ".join(name for name, on in (("mail", mail), ("Slack", slack)) if on))
    return look(
        "nobody is told of anything: a deadline, a fall or a request passes unseen",
        "set TAXIWAY_MAIL_URL and TAXIWAY_MAIL_FROM, or TAXIWAY_SLACK_URL",
    )


OUTSIDE: tuple[tuple[str, Question], ...] = (
    ("receiver", _receiver),
    ("sources", _sources),
    ("CRM", _crm),
    ("notices", _notices),
    ("heartbeat", _alarm),
)
