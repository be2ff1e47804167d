"""Lead routing as `flow.serve()` runs it at its defaults: a process for each run."""

from flows.lead_routing import lead_routing

NAME = "bench-served"

if __name__ == "__main__":
    lead_routing.serve(name=NAME)
