"""
What happened to a case, told line by line: when, who, what, and why.

Every kind of ledger row has its sentence here; the reasons come from the personal part and are
gone once that is erased.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from rollout.ledger import Entry, cases_called, story

Fields = Mapping[str, Any]
ERASED = "(erased)"


@dataclass(frozen=True)
class Line:
    """One sentence of a timeline."""

    at: datetime
    kind: str
    who: str
    what: str
    why: str


def timeline(session: Session, case_id: str) -> list[Line]:
    """Tell a case, oldest first."""
    return [_line(entry, personal) for entry, personal in story(session, case_id)]


def find_cases(session: Session, name: str) -> list[str]:
    """Give the cases that a person may mean: by case, e-mail, CRM record or event."""
    _, _, bare = name.rpartition("/")
    return cases_called(session, name) or cases_called(session, bare)


def _line(entry: Entry, personal: Fields) -> Line:
    what, why = _TOLD.get(entry.kind, _otherwise)(entry.fields, personal)
    return Line(at=entry.at, kind=entry.kind, who=entry.actor, what=what, why=why)


Telling = Callable[[Fields, Fields], tuple[str, str]]


def _opened(fields: Fields, _: Fields) -> tuple[str, str]:
    return "opened the case", f"event {fields['event']}, contract {fields['contract']}"


def _joined(fields: Fields, _: Fields) -> tuple[str, str]:
    return "sent the same again; it joined this case", f"event {fields['event']}"


def _lead(fields: Fields, personal: Fields) -> tuple[str, str]:
    who = f"{personal['email']} of {personal['company']}" if personal else ERASED
    where = f"{fields['country']} {fields['segment']}, territory {fields['territory']}"
    return f"lead read: {who}", f"{where}, {fields['candidates']} candidates"


def _account(fields: Fields, personal: Fields) -> tuple[str, str]:
    known = ", ".join(f"{name} {value:g}" for name, value in fields["figures"].items())
    who = personal["name"] if personal else ERASED
    return f"customer read: {who}", f"health {fields['score']} ({fields['band']}): {known}"


def _placement(fields: Fields, _: Fields) -> tuple[str, str]:
    return f"placed at {fields['authority']} ({fields['arm']})", str(fields["because"])


def _asked(fields: Fields, _: Fields) -> tuple[str, str]:
    return "asked the agent", f"release {str(fields['release'])[:12]}"


def _proposal(fields: Fields, personal: Fields) -> tuple[str, str]:
    sure = f"{fields['confidence']:.0%} sure, data {fields['data_confidence']:.0%}"
    if not personal:
        return f"proposed {fields['action']} on {fields['target']}", f"{sure}; {ERASED}"
    arguments = ", ".join(f"{k} {v}" for k, v in personal["action"]["arguments"].items())
    return f"proposed {fields['action']}: {arguments}", f"{sure}; {personal['reason']}"


def _ruling(fields: Fields, personal: Fields) -> tuple[str, str]:
    would = f" (would be: {fields['would_be']})" if fields.get("would_be") else ""
    reasons = [personal["because"], *personal["triggers"]] if personal else [ERASED]
    return f"ruled: {fields['right']}{would}", "; ".join(dict.fromkeys(reasons))


def _review(fields: Fields, _: Fields) -> tuple[str, str]:
    return f"asked {fields['group']} ({fields['review']})", f"due {fields['due_at'][:16]} UTC"


def _decision(fields: Fields, personal: Fields) -> tuple[str, str]:
    edit = ", ".join(f"{k} to {v}" for k, v in personal.get("edit", {}).items())
    changed = f": {edit}" if edit else ""
    how = f"identity {fields['proof']}, by {fields['channel']}, {fields['seconds_open']:.0f} s open"
    words = [str(personal.get("reason") or ""), str(personal.get("comment") or ""), how]
    return f"decided: {fields['verb']}{changed}", "; ".join(word for word in words if word)


def _handoff(fields: Fields, personal: Fields) -> tuple[str, str]:
    verb = "would have handed off" if fields["only_watched"] else "handed off"
    by_when = f"due {fields['due_at'][:16]} UTC, else {fields['otherwise']}"
    return f"{verb} to {fields['to']} ({fields['name']})", (
        f"{personal.get('because', ERASED)}; {by_when}"
    )


def _hand_on(fields: Fields, _: Fields) -> tuple[str, str]:
    return f"handed {fields['of']} {fields['ref']} on to {fields['to']}", (
        f"nobody acted by {fields['due'][:16]} UTC"
    )


def _run_out(fields: Fields, _: Fields) -> tuple[str, str]:
    return f"{fields['of']} {fields['ref']} ran out: {fields['to']} has it", (
        f"nobody acted by {fields['due'][:16]} UTC"
    )


def _late(fields: Fields, _: Fields) -> tuple[str, str]:
    return f"answered {fields['review']} too late: {fields['verb']}", "it changed nothing"


def _intent(fields: Fields, _: Fields) -> tuple[str, str]:
    return f"means to write {fields['action']} on {fields['target']}", f"word of {fields['basis']}"


def _effect(fields: Fields, personal: Fields) -> tuple[str, str]:
    verb = "took back" if fields["basis"] == "undo" else "write"
    tries = f"{fields['attempts']} attempt{'s' if fields['attempts'] != 1 else ''}"
    return f"{verb} {fields['action']} on {fields['target']}: {fields['state']}", (
        f"{personal.get('because', ERASED)}; {tries}"
    )


def _recall(fields: Fields, personal: Fields) -> tuple[str, str]:
    return f"ordered {fields['writes']} writes to be taken back", str(
        personal.get("because", ERASED)
    )


def _erasure(_fields: Fields, _: Fields) -> tuple[str, str]:
    return "erased what was about people", ""


def _out_of_band(fields: Fields, _: Fields) -> tuple[str, str]:
    return f"resumed the run of {fields['review']} without an answer", "it went back to sleep"


def _ending(fields: Fields, personal: Fields) -> tuple[str, str]:
    return f"ended: {fields['ending']} after {fields['seconds']:.1f} s", (
        str(personal.get("because", ERASED))
    )


def _otherwise(fields: Fields, _: Fields) -> tuple[str, str]:
    return ", ".join(f"{name} {value}" for name, value in fields.items()), ""


_TOLD: Mapping[str, Telling] = {
    "opened": _opened,
    "joined": _joined,
    "lead": _lead,
    "account": _account,
    "placement": _placement,
    "asked": _asked,
    "proposal": _proposal,
    "ruling": _ruling,
    "review": _review,
    "decision": _decision,
    "handoff": _handoff,
    "hand_on": _hand_on,
    "run_out": _run_out,
    "late_answer": _late,
    "intent": _intent,
    "effect": _effect,
    "recall": _recall,
    "erasure": _erasure,
    "out_of_band_resume": _out_of_band,
    "ending": _ending,
}
