"""
An agent for renewals that works offline: how much one is at risk, why, and what to do first.

Every driver is a figure with its source. The points were set by hand and are part of the release;
until they have been compared with what people decide, the confidence counts as uncalibrated and a
person decides. Words of customers are shown and weigh nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from integrations.agents import Answer, Evidence, Purse, Question, Release, Value

PLAYS = {
    "executive-check-in": "A call between the sponsor there and an executive here, this week.",
    "fix-and-follow-up": "Name an engineer for the open faults, and report back within two days.",
    "adoption-workshop": "A workshop with the teams that stopped using it.",
    "new-champion": "Find out who speaks for it now, and meet them.",
    "settle-billing": "Clear the open invoices with the customer's finance before anything else.",
}
SEEN = 0.12  #: what each figure that is known adds to the confidence in the data


@dataclass(frozen=True)
class _Driver:
    """One reason for the risk: how heavy it is, and the play that answers it."""

    weight: float
    play: str
    says: str
    field: str
    value: str


class RenewalAdvisor:
    """A transparent advisor; the same question always gets the same answer."""

    release = Release(name="renewal-advisor", version="1", parameters={"seen": SEEN})

    async def propose(self, question: Question, purse: Purse | None = None) -> Answer:
        """Propose a risk, high, medium or low, and the play for its heaviest driver."""
        del purse  # it costs nothing
        facts = question.facts
        found = sorted(_drivers(facts), key=lambda one: -one.weight)
        risk = _risk(sum(one.weight for one in found))
        play = found[0].play if found else "executive-check-in"
        known = [name for name in FIGURES if facts.get(name) is not None]
        return Answer(
            decision={"risk": risk, "play": play},
            reason="; ".join(one.says for one in found[:3]) or "no driver stands out",
            confidence=round(min(0.95, 0.5 + sum(one.weight for one in found) / 4), 4),
            data_confidence=round(min(1.0, 0.4 + SEEN * len(known)), 4),
            evidence=tuple(_evidence(question, one) for one in found[:3]),
            conflicts=_conflicts(facts),
            suggested_line=PLAYS[play],
        )


FIGURES = ("usage", "complaints_30d", "sev1_30d", "invoices_overdue_days", "days_since_last_touch")


def _risk(weight: float) -> str:
    return "high" if weight >= 1 else "medium" if weight >= 0.5 else "low"


def _drivers(facts: Mapping[str, Value]) -> Iterator[_Driver]:
    said = dict(facts)
    usage, many = _number(said, "usage"), _number(said, "complaints_30d")
    if usage is not None and usage < 1:
        words = f"use is at {usage:.0%} of what it was"
        yield _Driver(1 - usage, "adoption-workshop", words, "usage", f"{usage:.2f}")
    if severe := _number(said, "sev1_30d"):
        words = f"{severe:g} outage(s) of the highest severity in 30 days"
        yield _Driver(0.6, "fix-and-follow-up", words, "sev1_30d", f"{severe:g}")
    elif many:
        words = f"{many:g} complaints in 30 days"
        yield _Driver(
            min(0.6, many / 10), "fix-and-follow-up", words, "complaints_30d", f"{many:g}"
        )
    if said.get("champion") in {"left", "changed"}:
        words = f"the champion has {said['champion']}"
        yield _Driver(0.4, "new-champion", words, "champion_status", str(said["champion"]))
    if (overdue := _number(said, "invoices_overdue_days")) and overdue > 14:
        words = f"an invoice is {overdue:g} days overdue"
        yield _Driver(0.3, "settle-billing", words, "invoices_overdue_days", f"{overdue:g}")
    if (quiet := _number(said, "days_since_last_touch")) and quiet > 45:
        words = f"nobody has talked to them for {quiet:g} days"
        yield _Driver(0.2, "executive-check-in", words, "days_since_last_touch", f"{quiet:g}")


def _number(said: dict[str, Value], name: str) -> float | None:
    value = said.get(name)
    return None if value is None or isinstance(value, str) else float(value)


def _conflicts(facts: Mapping[str, Value]) -> tuple[str, ...]:
    words = facts.get("disagrees")
    return (str(words),) if words else ()


def _evidence(question: Question, driver: _Driver) -> Evidence:
    return Evidence(
        field=driver.field,
        value=driver.value,
        source="crm",
        record=f"company/{question.facts['company_id']}",
        retrieved_at=question.asked_at,
        trusted=True,
        points=round(driver.weight, 2),
        says=driver.says,
    )
