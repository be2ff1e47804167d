"""
Who holds which role in a contract: what its names lack, and which roles must not be in one hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date

from rollout.contract import Contract
from rollout.people import Directory


def concerns(directory: Directory, contracts: Sequence[Contract], day: date) -> list[str]:
    """Say what the contracts need and the directory lacks, and which roles are in one hand."""
    found = [
        f"{contract.workflow}: {role} is {name}, and nobody is called so"
        for contract in contracts
        for role, name in roles(contract)
        if not directory.knows(name)
    ]
    found += [
        f"{contract.workflow}: {role} is {name}, and nobody of them is here any more"
        for contract in contracts
        for role, name in roles(contract)
        if directory.knows(name) and not directory.who(name, day)
    ]
    for contract in contracts:
        found += _in_one_hand(directory, contract, day)
        found += _no_fallback(directory, contract, day)
    return list(dict.fromkeys(found))


def orphaned(directory: Directory, contract: Contract, day: date) -> str | None:
    """Say which of the five owners is not here any more; None where the directory is empty."""
    if not directory.people:
        return None
    gone = [
        f"{role} ({name})"
        for role, name in asdict(contract.owners).items()
        if not directory.who(name, day)
    ]
    return f"nobody is left for: {', '.join(gone)}" if gone else None


def roles(contract: Contract) -> list[tuple[str, str]]:
    """Give every name in a contract with what it is there for."""
    owners = [(f"the {role} owner", name) for role, name in asdict(contract.owners).items()]
    receivers = [
        (f"the {word} of {one.name}", name)
        for one in contract.exceptions
        for word, name in (
            ("receiver", one.to),
            ("fallback", one.otherwise),
            *(("next in line", leg.to) for leg in one.then),
        )
    ]
    reviewers = [("the next reviewer", leg.to) for leg in contract.review_then]
    return owners + receivers + reviewers


def _in_one_hand(directory: Directory, contract: Contract, day: date) -> list[str]:
    """Name the roles that must not be one person's alone: who governs, and who is governed."""
    owners = asdict(contract.owners)
    govern = {one.id for one in directory.who(owners["governance"], day)}
    return [
        f"{contract.workflow}: {', '.join(sorted(govern))} governs, and is the {role} owner too"
        for role in ("business", "technical", "reviewer")
        if govern and govern >= {one.id for one in directory.who(owners[role], day)} != set()
    ]


def _no_fallback(directory: Directory, contract: Contract, day: date) -> Iterator[str]:
    """Name the handoffs whose fallback is among those who stayed silent."""
    for one in contract.exceptions:
        after = {person.id for person in directory.who(one.otherwise, day)}
        if after and after <= {person.id for person in directory.who(one.to, day)}:
            yield (
                f"{contract.workflow}: after {one.to}, {one.name} falls back on "
                f"{', '.join(sorted(after))}, who is one of them"
            )
