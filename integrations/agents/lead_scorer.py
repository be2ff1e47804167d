"""
An agent for lead routing that works offline: every point of its confidence has its evidence.

    what is known                                              points
    the territory's team                                         0.35
    one person alone fits best (industry, then country)          0.20
    that person covers the lead's country                        0.10
    form and CRM agree on the size class                         0.15
    form and CRM agree on the country                            0.10
    the e-mail belongs to the company's domain                   0.10
    two people fit equally well                                 -0.15

The sum is kept between 0 and 0.95. The points were set by hand; how often people decide the same
at each level is measured on `integrations/samples/history.csv`. The free text of a lead is shown
as evidence and weighs nothing: it cannot change the owner or the confidence.
"""

import re
from collections.abc import Iterator

from integrations.agents import Agent, AgentFailed, Answer, Choice, Evidence, Question, Release

FREE_MAIL = frozenset({"gmail.com", "outlook.com", "yahoo.com", "proton.me", "web.de", "gmx.de"})
MOST = 0.95
SIZES = (100, 1_000)  #: employees at which a size class begins
NEEDED = ("country_crm", "employees_crm", "company_domain", "industry", "employees_form")
COMMANDS = re.compile(
    r"ignore (all|any|the|previous|prior)|assign (me|this|it) to|you must|system prompt|approv",
    re.IGNORECASE,
)
FORM_SCORE = {"demo": 60, "trial": 45, "contact": 40, "content": 15}
SENIOR = re.compile(r"\b(chief|c[efimort]o|vp|vice president|head|director|owner)\b", re.IGNORECASE)


class LeadScorer:
    """A transparent scorer; the same question always gets the same answer."""

    release = Release(
        name="lead-scorer",
        version="1",
        parameters={"most": MOST},
        calibrated_on=240,
    )

    async def propose(self, question: Question) -> Answer:
        """Propose an owner from the choices; raises `AgentFailed` when there are none."""
        if not question.choices:
            raise AgentFailed("there is nobody to choose from")
        best, tied = _best(question)
        evidence = (*_weighed(question, best, tied=tied), *_quoted(question))
        confidence = min(MOST, max(0.0, sum(one.points for one in evidence)))
        missing = [name for name in NEEDED if question.facts.get(name) in {None, ""}]
        return Answer(
            decision={"owner": best.owner},
            reason=_reason(question, best, tied=tied),
            confidence=round(confidence, 4),
            data_confidence=round(1 - 0.1 * len(missing), 4),
            evidence=evidence,
            conflicts=tuple(_conflicts(question)),
            unclear=tuple(_unclear(question)),
            score=_score(question),
            suggested_line=f"Thank you for your interest; {best.name} will get in touch.",
        )


_IS_AN_AGENT: Agent = LeadScorer()


def _text(question: Question, name: str) -> str:
    value = question.facts.get(name)
    return "" if value is None else str(value)


def _number(question: Question, name: str) -> int | None:
    value = question.facts.get(name)
    return value if isinstance(value, int) else None


def _fit(question: Question, choice: Choice) -> tuple[bool, bool]:
    industry, country = _text(question, "industry").casefold(), _text(question, "country")
    return industry in choice.industries, country in choice.countries


def _best(question: Question) -> tuple[Choice, bool]:
    ranked = sorted(
        question.choices,
        key=lambda one: (*(not fits for fits in _fit(question, one)), one.load, one.name),
    )
    tied = len(ranked) > 1 and _fit(question, ranked[0]) == _fit(question, ranked[1])
    return ranked[0], tied


def _reason(question: Question, best: Choice, *, tied: bool) -> str:
    industry, country = _fit(question, best)
    fits = [
        word
        for word, true in (
            (f"covers {_text(question, 'industry')}", industry),
            (f"covers {_text(question, 'country')}", country),
        )
        if true
    ]
    why = " and ".join(fits) or "has the lowest load of the territory's team"
    return f"{best.name} {why}" + ("; others fit as well" if tied else "")


def _weighed(question: Question, best: Choice, *, tied: bool) -> Iterator[Evidence]:
    def seen(field: str, source: str, points: float, says: str) -> Evidence:
        return Evidence(
            field=field,
            value=_text(question, field),
            source=source,
            record=f"contact/{_text(question, 'lead_id')}",
            retrieved_at=question.asked_at,
            trusted=True,
            points=points,
            says=says,
        )

    yield seen("territory", "territory table", 0.35, "the territory names a team")
    if tied:
        yield seen("industry", "roster", -0.15, "several people of the team fit equally well")
    else:
        yield seen("industry", "roster", 0.20, f"{best.name} alone fits best")
    if _fit(question, best)[1]:
        yield seen("country", "roster", 0.10, f"{best.name} covers the country")
    form, crm = _number(question, "employees_form"), _number(question, "employees_crm")
    if form is not None and crm is not None and _size(form) == _size(crm):
        yield seen("employees_crm", "form and CRM", 0.15, "both give the same size class")
    if _text(question, "country_crm") and not _countries_differ(question):
        yield seen("country_crm", "form and CRM", 0.10, "both give the same country")
    domain = _domain(_text(question, "email"))
    if domain and domain == _text(question, "company_domain"):
        yield seen("company_domain", "form and CRM", 0.10, "the e-mail is the company's")


def _quoted(question: Question) -> Iterator[Evidence]:
    message = _text(question, "message")
    if message:
        commands = bool(COMMANDS.search(message))
        yield Evidence(
            field="message",
            value=message,
            source="form, free text",
            record=f"contact/{_text(question, 'lead_id')}",
            retrieved_at=question.asked_at,
            trusted=False,
            points=0.0,
            says="tries to command the agent; ignored" if commands else "what the lead wrote",
        )


def _conflicts(question: Question) -> Iterator[str]:
    form, crm = _number(question, "employees_form"), _number(question, "employees_crm")
    if form is not None and crm is not None and _size(form) != _size(crm):
        yield f"employees: form {form}, CRM {crm}"
    if _countries_differ(question):
        yield f"country: form {_text(question, 'country')}, CRM {_text(question, 'country_crm')}"
    domain, company = _domain(_text(question, "email")), _text(question, "company_domain")
    if domain and company and domain != company and domain not in FREE_MAIL:
        yield f"domain: e-mail {domain}, company {company}"


def _unclear(question: Question) -> Iterator[str]:
    if _text(question, "company_lifecycle") != "customer":
        return
    if question.facts.get("open_deals") is None:
        yield "a customer, and it is unknown whether an opportunity is open"
    elif not _text(question, "company_owner"):
        yield "a customer that nobody owns"


def _countries_differ(question: Question) -> bool:
    form, crm = _text(question, "country"), _text(question, "country_crm")
    return bool(form and crm and form != crm)


def _size(employees: int) -> int:
    return sum(employees >= bound for bound in SIZES)


def _domain(email: str) -> str:
    return email.rpartition("@")[2].casefold()


def _score(question: Question) -> int:
    score = FORM_SCORE.get(_text(question, "form_type"), 20)
    score += 20 if SENIOR.search(_text(question, "job_title")) else 0
    score += 10 if _domain(_text(question, "email")) not in FREE_MAIL else 0
    score += 10 if (_number(question, "employees_form") or 0) >= SIZES[0] else 0
    return min(100, score)
