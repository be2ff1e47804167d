"""Which of the last leads a new territory sheet would move, and where to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from rollout.lead_routing import Lead
from rollout.ledger import Entry, Personal
from rollout.territories import Found, TerritoryRow, find_territory

Area = tuple[str, str]


@dataclass(frozen=True)
class Move:
    """One lead that would go to another team."""

    case_id: str
    label: str
    before: str  #: the team then, or why there was none
    after: str


@dataclass(frozen=True)
class Preview:
    """What a sheet would have changed."""

    leads: int  #: how many were looked at
    moves: tuple[Move, ...]


def preview(session: Session, rows: Iterable[Mapping[str, Any]], since: datetime) -> Preview:
    """
    Hold a new sheet against the leads that were read since a moment.

    Leads that a rule decided stay where they are; erased ones are not looked at.
    """
    new: dict[Area, list[TerritoryRow]] = defaultdict(list)
    for row in rows:
        new[row["country"], row["segment"]].append(TerritoryRow(sheet_id=0, **row))
    facts = session.exec(
        select(Entry.case_id, Personal.payload)
        .join(Personal, col(Personal.seq) == col(Entry.seq))
        .where(Entry.kind == Lead.kind, Entry.at >= since)
        .order_by(col(Entry.seq))
    ).all()
    leads = [(case_id or "", Lead.model_validate(payload)) for case_id, payload in facts]
    decided = [one for one in leads if one[1].appointed is None and not one[1].is_enterprise]
    moves = []
    for case_id, lead in decided:
        found = find_territory(new[lead.place.country, lead.place.segment], lead.place)
        before, after = _then(lead), _served(found)
        if before != after:
            moves.append(Move(case_id, lead.label, before, after))
    return Preview(len(decided), tuple(moves))


def _then(lead: Lead) -> str:
    if lead.rivals:
        return f"overlap of {lead.overlap}"
    return lead.team_name or "nobody"


def _served(found: Found | None) -> str:
    if found is None:
        return "nobody"
    if found.rivals:
        return f"overlap of {' and '.join((found.territory, *found.rivals))}"
    return found.team
