"""The way through limited: by steps of a share, and what one step may change."""

from rollout.authority import Authority, Exposure, Grant
from rollout.contract import Contract
from rollout.errors import Invalid

STEPS = (100, 500, 1_000, 2_500, 5_000)  #: basis points
HALF = STEPS[-1]


def following(contract: Contract, grant: Grant) -> tuple[Authority | None, Exposure | None]:
    """
    Give the next level, and the exposure where that is limited; None where there is none.

    Within limited the share grows by steps; then what is restricted opens; then comes full, which
    is followed by itself, renewed.
    """
    level = grant.authority
    if level is Authority.FULL and level in contract.plan:
        return level, None
    if level is Authority.LIMITED:
        share = grant.exposure
        if share.basis_points < HALF:
            return level, share.model_copy(update={"basis_points": _step_after(share)})
        if any(share.named()):
            opened = dict.fromkeys(("segments", "teams", "branches"), frozenset[str]())
            return level, share.model_copy(update=opened)
    heights = list(Authority)
    above = heights[level.height + 1 : level.height + 2]
    if not above or above[0] not in contract.plan:
        return None, None
    first = Exposure(basis_points=STEPS[0]).measured_as(grant.exposure)
    return above[0], first if above[0] is Authority.LIMITED else None


def check_step(grant: Grant, wanted: Exposure) -> None:
    """Raise `Invalid` for an exposure that takes more than one step at once, or none."""
    now = grant.exposure if grant.authority is Authority.LIMITED else None
    most = _step_after(now) if now else STEPS[2]
    if wanted.basis_points > most:
        raise Invalid(f"the next step goes to {most / 100:g} % at most, not to {wanted}")
    if now is None:
        return
    if wanted.basis_points < now.basis_points or wanted == now:
        raise Invalid(f"it is {now} now, and {wanted} is no step up; down goes by `rollout set`")
    if wanted.basis_points > now.basis_points and _opens(now, wanted):
        raise Invalid("either the share grows or what is restricted opens, one at a time")


def _step_after(share: Exposure) -> int:
    return next((step for step in STEPS if step > share.basis_points), share.basis_points)


def _opens(now: Exposure, wanted: Exposure) -> bool:
    """Whether cases come in that were outside."""
    restricted = dict(wanted.named())
    return any(
        not restricted.get(kind, frozenset()) <= names or kind not in restricted
        for kind, names in now.named()
    )
