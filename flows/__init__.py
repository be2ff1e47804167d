"""The processes, and the doors through which work comes in."""
