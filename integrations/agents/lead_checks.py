"""
What is checked about a lead's facts by rule, whatever an agent says: a model that overlooks a
conflict between two sources does not make it go away.
"""

import re
from collections.abc import Iterator

from integrations.agents import Evidence, Question

FREE_MAIL = frozenset({"gmail.com", "outlook.com", "yahoo.com", "proton.me", "web.de", "gmx.de"})
SIZES = (100, 1_000)  #: employees at which a size class begins
NEEDED = ("country_crm", "employees_crm", "company_domain", "industry", "employees_form")
COMMANDS = re.compile(
    r"ignore (all|any|the|previous|prior)|assign (me|this|it) to|you must|system prompt"
    r"|approve (me|this|it)|approval policy|no approval|without approval",
    re.IGNORECASE,
)
DEALING = {"customer": "a customer", "opportunity": "in talks"}  #: stages with money at stake


def text(question: Question, name: str) -> str:
    """Give a fact as text; empty where it is not known."""
    value = question.facts.get(name)
    return "" if value is None else str(value)


def number(question: Question, name: str) -> int | None:
    """Give a fact that is a whole number."""
    value = question.facts.get(name)
    return value if isinstance(value, int) else None


def quoted(question: Question) -> Iterator[Evidence]:
    """Quote what the lead wrote; it is never obeyed."""
    message = text(question, "message")
    if message:
        commands = bool(COMMANDS.search(message))
        yield Evidence(
            field="message",
            value=message,
            source="form, free text",
            record=f"contact/{text(question, 'lead_id')}",
            retrieved_at=question.asked_at,
            trusted=False,
            points=0.0,
            says="tries to command the agent; ignored" if commands else "what the lead wrote",
        )


def conflicts(question: Question) -> Iterator[str]:
    """Name the facts in which two sources disagree."""
    form, crm = number(question, "employees_form"), number(question, "employees_crm")
    if form is not None and crm is not None and size(form) != size(crm):
        yield f"employees: form {form}, CRM {crm}"
    if countries_differ(question):
        yield f"country: form {text(question, 'country')}, CRM {text(question, 'country_crm')}"
    domain = domain_of(text(question, "email"))
    company = text(question, "company_domain").casefold()
    if domain and company and domain != company and domain not in FREE_MAIL:
        yield f"domain: e-mail {domain}, company {company}"


def unclear(question: Question) -> Iterator[str]:
    """Say what leaves the effect on the customer unclear."""
    lifecycle = text(question, "company_lifecycle")
    if lifecycle in DEALING and question.facts.get("open_deals") is None:
        yield f"the company is {DEALING[lifecycle]}, and no source says if an opportunity is open"
    elif lifecycle == "customer" and not text(question, "company_owner"):
        yield "a customer that nobody owns"


def countries_differ(question: Question) -> bool:
    """Whether form and CRM name two countries."""
    form, crm = text(question, "country"), text(question, "country_crm")
    return bool(form and crm and form.casefold() != crm.casefold())


def size(employees: int) -> int:
    """Give the size class of a company, from 0."""
    return sum(employees >= bound for bound in SIZES)


def domain_of(email: str) -> str:
    """Give the domain of an address, in lower case."""
    return email.rpartition("@")[2].casefold() if "@" in email else ""


def known_share(question: Question) -> float:
    """Give the confidence in the facts: 1, less a tenth for each one that is missing."""
    missing = [name for name in NEEDED if question.facts.get(name) in {None, ""}]
    return round(1 - 0.1 * len(missing), 4)
