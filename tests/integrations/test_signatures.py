"""Who sent a webhook: what proves it in each style, and what does not."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest

from integrations.clock import now
from integrations.settings import HOOK_STYLES
from integrations.signatures import STYLES, BadSignature, Incoming, sign, verify

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another key of 24 bytes.").decode()
BODY = '{"type": "lead.created", "data": {"company": "Café"}}'.encode()
URL = "https://hooks.x.example/hooks/crm"


def came(headers: Mapping[str, str], body: bytes = BODY, at: datetime | None = None) -> Incoming:
    lower = {name.lower(): value for name, value in headers.items()}
    return Incoming(body, lower, at or now(), "POST", URL)


def hmac_of(secret: str, content: bytes) -> bytes:
    return hmac.new(secret.encode(), content, sha256).digest()


def test_the_settings_know_every_style() -> None:
    assert set(HOOK_STYLES) == set(STYLES)


# Standard Webhooks


def test_what_the_key_signed_holds_and_gives_its_id() -> None:
    assert verify("standard", [KEY], came(sign(KEY, "e-1", now(), BODY))) == "e-1"


def test_a_signature_made_by_the_letter_of_the_specification_holds() -> None:
    at = str(int(now().timestamp()))
    key = base64.b64decode(KEY.removeprefix("whsec_"))
    proof = hmac.new(key, b"e-1." + at.encode() + b"." + BODY, sha256).digest()
    headers = {
        "Webhook-Id": "e-1",
        "Webhook-Timestamp": at,
        "Webhook-Signature": f"v1,{base64.b64encode(proof).decode()}",
    }

    verify("standard", [KEY], came(headers))


def test_one_of_several_signatures_is_enough() -> None:
    headers = sign(KEY, "e-1", now(), BODY)
    both = {**headers, "webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}

    verify("standard", [KEY], came(both))


def test_a_moment_in_another_time_zone_is_the_same_moment() -> None:
    there = now().astimezone(timezone(timedelta(hours=9)))

    verify("standard", [KEY], came(sign(KEY, "e-1", there, BODY)))


# Public examples: what the senders' own documentation computes


def test_githubs_own_example_holds() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": "d-1"}
    secret = "It's a Secret to Everybody"

    assert verify("github", [secret], came(headers, b"Hello, World!")) == "d-1"


def test_slacks_own_example_holds() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F"
        b"commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    at = datetime.fromtimestamp(1531420618, UTC)

    verify("slack", ["8f742231b10e8888abcd99yyyzzz85a5"], came(headers, body, at))


# Every style alike


def signed(style: str, secret: str, at: datetime) -> Incoming:
    """Sign by the letter of each sender's documentation."""
    seconds = str(int(at.timestamp()))
    millis = str(int(at.timestamp() * 1000))
    match style:
        case "standard":
            return came(sign(secret, "e-1", at, BODY))
        case "hubspot-v3":
            proof = hmac_of(secret, b"POST" + URL.encode() + BODY + millis.encode())
            return came(
                {
                    "X-HubSpot-Signature-v3": base64.b64encode(proof).decode(),
                    "X-HubSpot-Request-Timestamp": millis,
                }
            )
        case "github":
            proof = hmac_of(secret, BODY)
            return came({"X-Hub-Signature-256": f"sha256={proof.hex()}", "X-GitHub-Delivery": "d"})
        case "slack":
            proof = hmac_of(secret, b"v0:" + seconds.encode() + b":" + BODY)
            return came(
                {"X-Slack-Signature": f"v0={proof.hex()}", "X-Slack-Request-Timestamp": seconds}
            )
        case _:
            proof = hmac_of(secret, seconds.encode() + b"." + BODY)
            return came({"Stripe-Signature": f"t={seconds},v0=old,v1={proof.hex()}"})


styles = pytest.mark.parametrize("style", list(STYLES))
TIMED = [style for style in STYLES if style != "github"]


@styles
def test_while_keys_are_rotated_either_one_will_do(style: str) -> None:
    for key in (KEY, OTHER):
        verify(style, [OTHER, KEY], signed(style, key, now()))


@styles
def test_another_key_proves_nothing(style: str) -> None:
    with pytest.raises(BadSignature):
        verify(style, [OTHER], signed(style, KEY, now()))
    with pytest.raises(BadSignature):
        verify(style, [], signed(style, KEY, now()))


@styles
def test_another_body_proves_nothing(style: str) -> None:
    with pytest.raises(BadSignature):
        verify(style, [KEY], replace(signed(style, KEY, now()), body=BODY + b" "))


@pytest.mark.parametrize("style", TIMED)
@pytest.mark.parametrize("minutes", [-6, 6])
def test_what_is_not_of_now_proves_nothing(style: str, minutes: int) -> None:
    incoming = signed(style, KEY, now() + timedelta(minutes=minutes))
    with pytest.raises(BadSignature):
        verify(style, [KEY], incoming)


@styles
@pytest.mark.parametrize("value", [None, "", "x", "é", "t=1", "v1=", "sha256="])
def test_an_odd_header_proves_nothing(style: str, value: str | None) -> None:
    incoming = signed(style, KEY, now())
    for name in incoming.headers:
        rest = {other: told for other, told in incoming.headers.items() if other != name}
        odd = rest if value is None else {**rest, name: value}
        if style == "github" and name == "x-github-delivery" and value is not None:
            continue  # any id will do
        with pytest.raises(BadSignature, match="does not hold"):
            verify(style, [KEY], replace(incoming, headers=odd))


def test_hubspots_address_and_method_are_signed_too() -> None:
    incoming = signed("hubspot-v3", KEY, now())
    for other in (replace(incoming, url=f"{URL}?x=1"), replace(incoming, method="PUT")):
        with pytest.raises(BadSignature):
            verify("hubspot-v3", [KEY], other)


def test_hubspot_signs_its_address_without_the_escapes_of_reserved_characters() -> None:
    at = now()
    millis = str(int(at.timestamp() * 1000))
    plain = f"{URL}?next=https://x.example/a@b&name=a%20b"
    proof = hmac_of("secret", b"POST" + plain.encode() + BODY + millis.encode())
    headers = {
        "X-HubSpot-Signature-v3": base64.b64encode(proof).decode(),
        "X-HubSpot-Request-Timestamp": millis,
    }
    called = f"{URL}?next=https%3A%2F%2Fx.example%2Fa%40b&name=a%20b"

    verify("hubspot-v3", ["secret"], replace(came(headers), url=called))
