"""
An agent for lead routing that works offline: every point of its confidence has its evidence.

The confidence is the sum of `POINTS` for what is known, kept between 0 and `MOST`. The points were
set by hand and are part of the release: other points are another release. How often people decide
the same at each level is measured on `integrations/samples/history.csv`. The free text of a lead
is shown as evidence and weighs nothing: it cannot change the owner or the confidence.
"""

import re
from collections.abc import Iterator

from integrations.agents import (
    Agent,
    AgentFailed,
    Answer,
    Choice,
    Evidence,
    Purse,
    Question,
    Release,
)
from integrations.agents.lead_checks import (
    FREE_MAIL,
    SIZES,
    conflicts,
    countries_differ,
    domain_of,
    known_share,
    number,
    quoted,
    size,
    text,
    unclear,
)

MOST = 0.95
POINTS = {
    "territory": 0.35,  #: the territory names a team
    "fits_best": 0.20,  #: one person alone fits best (industry, then country)
    "covers_country": 0.10,  #: that person covers the lead's country
    "same_size": 0.15,  #: form and CRM give the same size class
    "same_country": 0.10,  #: form and CRM give the same country
    "same_domain": 0.10,  #: the e-mail belongs to the company's domain
    "tied": -0.15,  #: two people fit equally well
}
FORM_SCORE = {"demo": 60, "trial": 45, "contact": 40, "content": 15}
SENIOR = re.compile(r"\b(chief|c[efimort]o|vp|vice president|head|director|owner)\b", re.IGNORECASE)


class LeadScorer:
    """A transparent scorer; the same question always gets the same answer."""

    release = Release(
        name="lead-scorer",
        version="2",
        parameters={"most": MOST, **POINTS},
        calibrated_on=240,
    )

    async def propose(self, question: Question, purse: Purse | None = None) -> Answer:
        """Propose an owner from the choices; raises `AgentFailed` when there are none."""
        del purse  # it costs nothing
        if not question.choices:
            raise AgentFailed("there is nobody to choose from")
        best, tied = _best(question)
        evidence = (*_weighed(question, best, tied=tied), *quoted(question))
        confidence = min(MOST, max(0.0, sum(one.points for one in evidence)))
        return Answer(
            decision={"owner": best.owner},
            reason=_reason(question, best, tied=tied),
            confidence=round(confidence, 4),
            data_confidence=known_share(question),
            evidence=evidence,
            conflicts=tuple(conflicts(question)),
            unclear=tuple(unclear(question)),
            score=_score(question),
            suggested_line=f"Thank you for your interest; {best.name} will get in touch.",
        )


_IS_AN_AGENT: Agent = LeadScorer()


def _fit(question: Question, choice: Choice) -> tuple[bool, bool]:
    industry, country = text(question, "industry"), text(question, "country")
    return _among(industry, choice.industries), _among(country, choice.countries)


def _among(word: str, words: tuple[str, ...]) -> bool:
    return bool(word) and word.casefold() in {one.casefold() for one in words}


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
            (f"covers {text(question, 'industry')}", industry),
            (f"covers {text(question, 'country')}", country),
        )
        if true
    ]
    rivals = [one.load for one in question.choices if one is not best]
    lowest = bool(rivals) and best.load < min(rivals)
    spare = (
        "has the lowest load of the territory's team" if lowest else "is on the territory's team"
    )
    why = " and ".join(fits) or spare
    return f"{best.name} {why}" + ("; others fit as well" if tied else "")


def _weighed(question: Question, best: Choice, *, tied: bool) -> Iterator[Evidence]:
    def seen(field: str, source: str, what: str, says: str) -> Evidence:
        return Evidence(
            field=field,
            value=text(question, field),
            source=source,
            record=f"contact/{text(question, 'lead_id')}",
            retrieved_at=question.asked_at,
            trusted=True,
            points=POINTS[what],
            says=says,
        )

    if text(question, "territory"):
        yield seen("territory", "territory table", "territory", "the territory names a team")
    if tied:
        yield seen("industry", "roster", "tied", "several people of the team fit equally well")
    else:
        yield seen("industry", "roster", "fits_best", f"{best.name} alone fits best")
    if _fit(question, best)[1]:
        yield seen("country", "roster", "covers_country", f"{best.name} covers the country")
    form, crm = number(question, "employees_form"), number(question, "employees_crm")
    if form is not None and crm is not None and size(form) == size(crm):
        yield seen("employees_crm", "form and CRM", "same_size", "both give the same size class")
    known = text(question, "country") and text(question, "country_crm")
    if known and not countries_differ(question):
        yield seen("country_crm", "form and CRM", "same_country", "both give the same country")
    domain = domain_of(text(question, "email"))
    if domain and domain == text(question, "company_domain").casefold():
        yield seen("company_domain", "form and CRM", "same_domain", "the e-mail is the company's")


def _score(question: Question) -> int:
    score = FORM_SCORE.get(text(question, "form_type"), 20)
    score += 20 if SENIOR.search(text(question, "job_title")) else 0
    score += 10 if domain_of(text(question, "email")) not in {*FREE_MAIL, ""} else 0
    score += 10 if (number(question, "employees_form") or 0) >= SIZES[0] else 0
    return min(100, score)
