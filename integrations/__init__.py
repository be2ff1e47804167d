"""The outside systems: plain values in and out. No Prefect, no rules."""
