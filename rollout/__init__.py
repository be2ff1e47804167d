"""The rules: nouns and what follows from them. No Prefect, no HTTP, no clock of their own."""
