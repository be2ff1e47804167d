"""What an agent may spend on a case, and on a day: reserved before each call, settled after it."""

from dataclasses import dataclass
from uuid import uuid4

from integrations.agents import AgentFailed
from integrations.clock import now
from integrations.database import transaction
from rollout.budgets import MILLIS, daily, reserve, settle
from rollout.case import Case
from rollout.errors import OverBudget

MODEL = "model"


@dataclass(frozen=True)
class CasePurse:
    """A case's share of its workflow's money; both caps are in its contract."""

    case: Case

    def take(self, most: int) -> str:
        """Reserve the most that a call can cost, of both caps or of neither."""
        call, contract = f"{self.case.id}/{uuid4().hex}", self.case.contract
        moment = now()
        caps = {
            "case": (f"{self.case.id}/{MODEL}", contract.budget_minor_per_case or 0),
            "day": (
                daily(self.case.workflow, MODEL, moment.date()),
                contract.budget_minor_per_day or 0,
            ),
        }
        try:
            with transaction() as session:
                for name, (scope, cap) in caps.items():
                    reserve(
                        session,
                        ref=f"{call}/{name}",
                        scope=scope,
                        cap=cap * MILLIS,
                        amount=most,
                        now=moment,
                        parts=MILLIS,
                    )
        except OverBudget as error:
            raise AgentFailed(str(error)) from None
        return call

    def settle(self, call: str, cost: int) -> None:
        """Note what a call has cost."""
        with transaction() as session:
            for name in ("case", "day"):
                settle(session, f"{call}/{name}", cost, now())
