"""Makes a new git repository with the history of an example: python history.py gate-django FOLDER

Each file in the example's folder `commits` is a commit, as git format-patch writes it. A folder there is a branch that began one commit
before, and is merged.
"""

import os
import subprocess
import sys
from pathlib import Path

AUTHOR = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_NAME": "Ada Keller" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@shop.example" for who in ("AUTHOR", "COMMITTER")},
}


def make(example: Path, folder: Path) -> None:
    """Dates are the patches' own, so that commits have the same names everywhere."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for step in sorted((example / "commits").iterdir()):
        if step.is_file():
            apply(folder, step)
            continue
        branch = step.name.partition("-")[2]
        git(folder, "checkout", "-q", "-b", branch, "HEAD~1")
        for patch in sorted(step.iterdir()):
            apply(folder, patch)
        date = git(folder, "log", "-1", "--format=%aI").strip()
        git(folder, "checkout", "-q", "main")
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        git(folder, "merge", "-q", "--no-ff", "-m", f"Merge {branch}", branch, **dates)


def apply(folder: Path, patch: Path) -> None:
    git(folder, "am", "-q", "--committer-date-is-author-date", str(patch.absolute()))


def git(folder: Path, *words: str, **variables: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(folder), *words], env={**environ, **AUTHOR, **variables}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"git {' '.join(words)}: {done.stderr or done.stdout}")
    return done.stdout


if __name__ == "__main__":
    make(Path(__file__).parent / sys.argv[1], Path(sys.argv[2]))
