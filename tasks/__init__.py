"""The steps: verbs with an object. Here, and only here, a rule meets a system."""
