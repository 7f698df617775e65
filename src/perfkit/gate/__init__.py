"""Room 7, the gate: counts and times of two revisions come in, a `model.gate.Verdict` goes out.

- `revisions` finds the commit to compare with, `worktree` checks it out; both leave nothing behind.
- `counts` and `paired` judge what was counted and what was timed (`student`), `budgets` knows the limits, `verdict` puts it together.
- `blame` tells which commit touched a line; `baselines` keeps counts in a file.
"""
