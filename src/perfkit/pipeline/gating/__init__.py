"""A gate: two revisions come in; each is counted and timed, and a verdict goes out."""
