"""Which agent routes leads here: the scorer that works offline, or a model, if one is set."""

from integrations.agents import Agent
from integrations.agents.lead_model import LeadModel, Prices
from integrations.agents.lead_scorer import LeadScorer
from integrations.settings import settings
from tasks.systems import model

SCORER = LeadScorer()


def lead_agent() -> Agent:
    """Give the agent of this installation."""
    known = settings()
    if not known.model_url:
        return SCORER
    prices = Prices(known.model_price_in, known.model_price_out)
    return LeadModel(model(), known.model_name, prices)
