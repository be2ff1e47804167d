"""
Who may answer a review, and how many of them it takes.

The contract's ladder says it by the amount at stake; without one, a person of the reviewers is
enough. A name that the directory does not know is taken as it comes: then nothing is checked but
that two approvals come from two people.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, select

from rollout.answers import Proof
from rollout.case import Action
from rollout.contract import ActionRule, Contract, Rung
from rollout.errors import NotYours
from rollout.ledger import Alias
from rollout.people import Directory

REQUESTER = "requester"  #: the kind of name under which a case knows who asked for it


@dataclass(frozen=True)
class Need:
    """Whose word an action needs: one person of each group, and how each is to be proven."""

    by: tuple[str, ...]
    proof: Proof


@dataclass(frozen=True)
class Standing:
    """Somebody, in whose place they answer, and for which of the groups that are asked."""

    by: str
    principal: str
    groups: tuple[str, ...]
    bound: tuple[str, ...] = ()  #: who answers for them that day, or they for whom

    def is_apart_from(self, other: "Standing") -> bool:
        """Whether they are two people, and neither answers for the other."""
        mine, theirs = {self.by, self.principal}, {other.by, other.principal}
        return not (mine & theirs or mine & {*other.bound} or theirs & {*self.bound})


def stake_of(rule: ActionRule | None, action: Action) -> int:
    """Give the amount at stake in minor units; 0 where the contract names none."""
    said = action.arguments.get(rule.stake, "") if rule and rule.stake else ""
    return int(said) if said.isdigit() else 0


def need_of(contract: Contract, action: Action) -> Need | None:
    """Give whose word an action needs; None where it is above what anybody may approve."""
    rule = contract.action(action.name)
    proof = Proof[contract.proof.upper()]
    if rule is None or not rule.ladder:
        return Need((contract.owners.reviewer,), proof)
    rung = _rung(rule, action)
    if rung is None:
        return None
    by = rung.by or (contract.owners.reviewer,)
    return Need(by, max(proof, Proof[(rung.proof or contract.proof).upper()]))


def always_asks(contract: Contract, action: Action) -> tuple[str, ...]:
    """Give whose word an action needs at every stage; empty where the stage decides."""
    rule = contract.action(action.name)
    rung = _rung(rule, action) if rule and rule.ladder else None
    return rung.by if rung else ()


def _rung(rule: ActionRule, action: Action) -> Rung | None:
    """Find the rung for an amount; without one that can be compared, the highest."""
    said = action.arguments.get(rule.stake, "")
    if not said.isdigit():
        return rule.ladder[-1]
    for rung in rule.ladder:
        if rung.up_to_minor is None or int(said) <= rung.up_to_minor:
            return rung
    return None


def standing_of(
    directory: Directory, by: str, names: Collection[str], day: date
) -> Standing | None:
    """Say in whose place and for which groups somebody may answer; None: for none of them."""
    groups, principals = [], []
    for name in names:
        if not directory.knows(name):
            groups.append(name)
            continue
        group = directory.groups.get(name)
        members = group.members if group else (name,)
        absent = [one for one in members if directory.answers_for(one, day) == by]
        if by in members or absent:
            groups.append(name)
            principals += [by] if by in members else absent[:1]
    person = directory.people.get(by)
    if not groups or (person is not None and not person.is_here(day)):
        return None
    bound = {one.to for one in directory.delegations if one.by == by and one.counts_on(day)}
    bound |= {one.by for one in directory.delegations if one.to == by and one.counts_on(day)}
    principal = principals[0] if principals else by
    return Standing(by, principal, tuple(groups), tuple(sorted(bound)))


def still_needed(need: Need, given: Sequence[Standing]) -> tuple[str, ...]:
    """Give the groups whose word is still missing, each person counted once."""
    best = need.by
    for n, standing in enumerate(given):
        for group in set(need.by) & set(standing.groups):
            rest = list(need.by)
            rest.remove(group)
            left = still_needed(Need(tuple(rest), need.proof), [*given[:n], *given[n + 1 :]])
            best = min(best, left, key=len)
    return best


def standing_in(
    directory: Directory, by: str, need: Need | None, group: str, review: str, day: date
) -> Standing:
    """
    Say in whose place somebody answers a review: for a group whose word it takes, or for the one
    that was handed it. Raises `NotYours`.

    The next in a line counts once it has the question, and not before: a ladder's amount is not
    to be approved by whoever comes later.
    """
    names = dict.fromkeys([*(need.by if need else ()), group])
    standing = standing_of(directory, by, names, day)
    if standing is None:
        people = ", ".join(one.id for one in directory.who(group, day)) or "nobody"
        raise NotYours(
            f"{by} is not one of {group} ({people}), who decide {review}. `taxiway people` lists "
            "who is; a delegation lets somebody answer in another's place."
        )
    return standing


def check_apart(
    session: Session, directory: Directory, standing: Standing, case_id: str, editor: str
) -> None:
    """Raise `NotYours` for whoever asked for the case, or made the change to be approved."""
    names = {standing.by.casefold(), standing.principal.casefold()}
    names |= {
        directory.people[one].mail.casefold()
        for one in (standing.by, standing.principal)
        if one in directory.people and directory.people[one].mail
    }
    if names & requesters(session, case_id):
        raise NotYours(f"{standing.by} asked for {case_id}: somebody else must decide it.")
    if editor and editor in {standing.by, standing.principal}:
        raise NotYours(f"{editor} made this change: somebody else must approve it.")


def requesters(session: Session, case_id: str) -> set[str]:
    """Give who asked for a case, as the event named them."""
    return set(
        session.exec(
            select(Alias.value).where(Alias.case_id == case_id, Alias.kind == REQUESTER)
        ).all()
    )
