"""
The rules that come before the agent: whose lead it is already.

In this order: the contact's own owner, the owner of an account with an open opportunity, a
customer's owner, the named account's executive, the partner's manager.
"""

from collections.abc import Mapping

from rollout.account_match import Company
from rollout.lead_routing import Appointed
from rollout.territories import AccountKind, AccountRow

EXISTING = "existing owner"
NAMING = {AccountKind.NAMED: "named account", AccountKind.PARTNER: "partner"}


def appoint(
    contact_owner: str | None,
    company: Company | None,
    account: AccountRow | None,
    owners: Mapping[str, str],
) -> Appointed | None:
    """
    Give the owner whom the first fitting rule names, or None.

    `contact_owner` and `company.owner_id` are CRM ids; `owners` gives the e-mail address of every
    active owner by id. An owner who is not among them is appointed without an id.
    """
    for rule, owner_id in _by_id(contact_owner, company):
        if owner_id:
            email = owners.get(owner_id)
            known = owner_id if email else None
            return Appointed(rule=rule, owner_id=known, email=email or f"owner {owner_id}")
    if account is None or not account.owner_email:
        return None
    named = NAMING.get(AccountKind(account.kind))
    if named is None:
        return None
    ids = {email: owner_id for owner_id, email in owners.items()}
    return Appointed(rule=named, owner_id=ids.get(account.owner_email), email=account.owner_email)


def _by_id(contact_owner: str | None, company: Company | None) -> list[tuple[str, str | None]]:
    found = [(EXISTING, contact_owner)]
    if company is not None and company.open_deals:
        found.append(("open opportunity", company.owner_id))
    if company is not None and company.lifecycle == "customer" and company.open_deals == 0:
        found.append(("customer", company.owner_id))
    return found
