"""Budgets inside a test suite of the user's own, in the process that runs it."""
