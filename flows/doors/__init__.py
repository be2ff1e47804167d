"""Where work comes in: the terminal, webhooks, Prefect's runs."""
