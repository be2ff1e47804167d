"""What is asked beside the answer that counts: rivals, and of a sample the same agent once more."""

import time
from collections import Counter
from dataclasses import asdict

from integrations.agents import Agent, AgentFailed
from integrations.clock import now
from integrations.database import transaction
from rollout.case import Case, Proposal
from rollout.gate import may_write
from rollout.lead_routing import Lead
from rollout.ledger import recall, remember
from rollout.noise import AGAIN, is_asked_again, note_again
from rollout.releases import CARRIES, change_class, see
from rollout.shadow import rival_step
from tasks.cases import PROPOSAL
from tasks.lead_agent import all_lead_agents, lead_agents
from tasks.lead_routing import action_of, question_of
from tasks.proposals import acting, proposal_of
from tasks.spending import CasePurse
from tasks.steps import step


@step()
async def ask_beside(case: Case, lead: Lead) -> int:
    """
    Ask the other agents that are set up what they would have done; gives how many answered.

    They watch beside the one that acts: nothing rests on them, and what goes wrong is theirs alone.
    Of a sample that is only watched the one that acts is asked again, to know its own noise.
    """
    acts = acting(case.workflow, all_lead_agents())
    own = asdict(acts.release)
    rivals = [one for one in lead_agents() if change_class(own, asdict(one.release)) not in CARRIES]
    found = sum([await _ask_rival(case, lead, one) for one in rivals])
    if is_asked_again(case.workflow, case.id) and not may_write(case.placement):
        await _ask_again(case, lead, acts)
    return found


async def _ask_rival(case: Case, lead: Lead, agent: Agent) -> bool:
    with transaction() as session:
        see(session, case.workflow, agent.release.id, asdict(agent.release), now())
    return await _ask(case, lead, agent, rival_step(agent.release.id), "rival") is not None


async def _ask_again(case: Case, lead: Lead, agent: Agent) -> None:
    with transaction() as session:
        first = recall(session, case.id, PROPOSAL, Proposal)
    second = await _ask(case, lead, agent, AGAIN, "agent")
    if first is not None and second is not None and first.release == second.release:
        with transaction() as session:
            note_again(session, case.contract, case.id, first, second, now())


async def _ask(case: Case, lead: Lead, agent: Agent, place: str, actor: str) -> Proposal | None:
    """Ask once, and remember the answer; None where there is none."""
    with transaction() as session:
        stands = recall(session, case.id, place, Proposal)
    if stands is not None:
        return stands
    started = time.monotonic()
    try:
        answer = await agent.propose(question_of(lead, None, Counter()), CasePurse(case))
    except AgentFailed:
        return None
    action = action_of(lead, answer.decision["owner"])
    with transaction() as session:
        return remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=place,
            fact=proposal_of(action, answer, time.monotonic() - started, agent.release),
            actor=actor,
            at=now(),
        )
