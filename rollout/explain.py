"""The five questions that every workflow answers from its live configuration."""

from rollout.authority import Authority, Grant
from rollout.contract import ActionRule, Contract


def five_answers(contract: Contract, grant: Grant) -> list[tuple[str, str]]:
    """Give each question with its answer; an empty answer is a hole in the contract."""
    return [
        ("Who owns the business outcome?", contract.owners.business),
        ("Who owns technical reliability?", contract.owners.technical),
        ("What can the agent decide alone?", _alone(contract, grant)),
        ("When does a person review?", _review(contract, grant)),
        ("How are value and risk measured?", _measured(contract)),
    ]


def _alone(contract: Contract, grant: Grant) -> str:
    names = ", ".join(_action(rule) for rule in contract.boundaries.write if rule.reversible)
    if not names or contract.act_alone_from is None:
        return ""
    if grant.authority.height < Authority.LIMITED.height:
        return f"now nothing (it is at {grant}); later {names} from {contract.act_alone_from:.0%}"
    return f"{names}, reversible and without impact, from {contract.act_alone_from:.0%} ({grant})"


def _action(rule: ActionRule) -> str:
    caps = {
        "an hour": rule.alone_per_hour,
        "a day": rule.alone_per_day,
        "records a day": rule.records_per_day,
    }
    most = ", ".join(f"{cap} {words}" for words, cap in caps.items() if cap is not None)
    return f"{rule.name} (at most {most})" if most else rule.name


def _review(contract: Contract, grant: Grant) -> str:
    if contract.act_alone_from is None or not contract.review_within:
        return ""
    always = "always; " if grant.authority is Authority.RECOMMEND else ""
    return (
        f"{always}below {contract.act_alone_from:.0%}, or with any impact: "
        f"{contract.owners.reviewer} within {contract.review_within}; conflicting sources, below "
        f"{contract.escalate_below:.0%} or unclear impact: a person takes over; exceptions: "
        + ", ".join(f"{one.name} to {one.to}" for one in contract.exceptions)
    )


def _measured(contract: Contract) -> str:
    bars = [
        f"{one.measure} {'>=' if one.at_least is not None else '<='} "
        f"{one.at_least if one.at_least is not None else one.at_most:g}"
        for one in contract.targets
    ]
    if not bars or contract.benchmark is None:
        return ""
    told = ", ".join(bars) + f"; against {contract.benchmark.minutes:g} minutes by hand"
    if contract.budget_minor_per_case is None or contract.answer_within is None:
        return told
    cost = f"{contract.budget_minor_per_case / 100:.2f} {contract.currency}"
    seconds = contract.answer_within.total_seconds()
    return f"{told}; an answer costs {cost} and takes {seconds:g} s at most"
