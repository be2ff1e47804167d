"""Reading a customer before the renewal, and taking the renewal for one case."""

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import NotFound
from integrations.hubspot_renewals import Account
from rollout.case import Case
from rollout.gate import may_write
from rollout.inbox import Arrival, envelope
from rollout.renewal import Renewal
from rollout.renewal_events import account_in, take_renewal
from tasks.steps import once, step
from tasks.systems import crm_reader


@step(retries=4)
@once("account", Renewal, actor="crm")
async def read_account(case: Case) -> Renewal:
    """Read the customer that the case is about."""
    with transaction() as session:
        number = account_in(envelope(session.get_one(Arrival, case.inbox_id)))
    try:
        return as_renewal(await crm_reader(case.workflow).read_account(number))
    except NotFound:
        return Renewal(company_id=number, name="", retrieved_at=now(), gone=True)


def as_renewal(account: Account) -> Renewal:
    """Give what the CRM tells of a customer as the rules see it."""
    words = account.words
    return Renewal(
        company_id=account.id,
        name=words.get("name", f"company {account.id}"),
        retrieved_at=now(),
        csm=words.get("csm_email"),
        account_lead=words.get("account_lead_email"),
        champion=words.get("champion_status"),
        crm_health=words.get("crm_health"),
        risk=account.risk,
        legal_words=bool(words.get("legal_words")),
        renewal_date=account.days.get("renewal_date"),
        notice_date=account.days.get("notice_date"),
        renewed_on=account.days.get("renewed_on"),
        figures=account.figures,
    )


def other_case_of(case: Case, account: Renewal) -> str | None:
    """Take the renewal for this case; gives the other case that has it, or None."""
    with transaction() as session:
        whose = take_renewal(
            session, case.id, account.key, only_watched=not may_write(case.placement)
        )
    return None if whose == case.id else whose
