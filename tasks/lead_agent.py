"""Which agents route leads here: the scorer that works offline, or models, if any is set."""

from integrations.agents import Agent
from integrations.agents.lead_model import LeadModel, Prices
from integrations.agents.lead_scorer import LeadScorer
from integrations.settings import settings
from tasks.systems import model

SCORER = LeadScorer()


def lead_agents() -> list[Agent]:
    """Give the agents that are set up here: the first one is new cases' own, the next its rival."""
    known = settings()
    if not known.model_url:
        return [SCORER]
    prices = Prices(known.model_price_in, known.model_price_out)
    names = [known.model_name, *([known.challenger_name] if known.challenger_name else [])]
    return [LeadModel(model(), name, prices, known.release_author) for name in names]


def all_lead_agents() -> list[Agent]:
    """Give also those that are always here: one of them may hold the level."""
    known = lead_agents()
    return known if SCORER in known else [*known, SCORER]
