"""The circumstances of a run, as a recording keeps them: where the project lies, what drove it, on which commit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from perfkit.model.target import Command, RunningProcess, Workload
from perfkit.shared import redact


def describe_target(target: Command | RunningProcess) -> str:
    return redact.argv(target.argv) if isinstance(target, Command) else target.description


def describe_workload(workload: Workload) -> str | None:
    if workload.load is not None:
        return f"{workload.load.concurrency} clients on " + redact.text(" ".join(workload.load.urls))
    return redact.text(workload.command) if workload.command else None


def project_folders(target: Command | RunningProcess, told: Sequence[str]) -> tuple[str, ...]:
    """As told, else where the target runs, and where its script lies."""
    if told:
        return tuple(str(Path(folder).resolve()) for folder in told)
    cwd = target.cwd or str(Path.cwd())
    folders = [cwd]
    for word in target.argv[:3] if isinstance(target, Command) else ():
        path = Path(cwd, word)
        if word.endswith(".py") and path.is_file() and not path.resolve().is_relative_to(cwd):
            folders.append(str(path.resolve().parent))
    return tuple(folders)


def cores() -> int:
    """The CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def commit(folder: str) -> str | None:
    """The short hash of the folder's checked-out commit; None without git or outside of a repository."""
    words = ["git", "-C", folder, "rev-parse", "--short=12", "HEAD"]
    try:
        found = subprocess.run(words, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def memory_limit() -> int:
    """Bytes that processes here may take: the least limit of the control groups around perfkit, or the machine's memory."""
    import psutil

    least = int(psutil.virtual_memory().total)
    try:
        group = Path("/sys/fs/cgroup") / Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip().lstrip("/")
        texts = [
            (folder / "memory.max").read_text()
            for folder in (group, *group.parents)
            if (folder / "memory.max").is_file()
        ]
    except OSError:
        return least
    return min([least, *(int(text) for text in texts if text.strip().isdigit())])
