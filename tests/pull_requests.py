"""A pull request of a small shop, as a CI server checks it out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from git_repositories import Repository

# What it is told goes to a file outside of its repository.
JOB = """
import os, sqlite3, sys

database = sqlite3.connect(":memory:")
for number in range(5):
    database.execute("SELECT ?", (number,))
with open(os.environ["SHOP_TOLD"], "a") as told:
    print(*sys.argv[1:], sep="|", file=told)
"""
ONE_MORE = JOB.replace("range(5)", "range(6)")
PYTHON = sys.executable


class PullRequest:
    """`upstream` is what people push to; `checkout` is what a build gets: the merge of the pull request, one commit deep."""

    def __init__(self, folder: Path) -> None:
        self.upstream = Repository(folder / "upstream")
        self.upstream.write(".gitignore", "__pycache__\n.perfkit\n")
        self.upstream.commit("The shop", job__py=JOB)
        self.upstream.git("checkout", "-q", "-b", "feature")
        self.folder = folder / "checkout"
        self.told = folder / "told"

    def push(self, subject: str, **files: str) -> str:
        commit = self.upstream.commit(subject, **files)
        self.upstream.git("checkout", "-q", "--detach", "main")
        self.upstream.git("merge", "-q", "--no-ff", "-m", "Merge", "feature")
        self.upstream.git("update-ref", "refs/pull/5/merge", "HEAD")
        self.upstream.git("checkout", "-q", "feature")
        return commit

    def checkout(self, ref: str = "refs/pull/5/merge", *, depth: int | None = 1) -> Repository:
        """As actions/checkout does, and runners of others with `depth` None: all branches."""
        made = Repository(self.folder)
        made.git("remote", "add", "origin", f"file://{self.upstream.folder}")
        branches = [] if depth else ["+refs/heads/*:refs/remotes/origin/*"]
        deep = [f"--depth={depth}"] if depth else []
        made.git("fetch", "-q", "--no-tags", *deep, "origin", f"+{ref}:refs/remotes/pull/5/merge", *branches)
        made.git("checkout", "-q", "--force", "refs/remotes/pull/5/merge")
        return made


def run_lines(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A job's lines in one shell, which ends with the first that fails."""
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
