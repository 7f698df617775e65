"""A program run twice, without and with the probe, each time with a new database; what it said must be the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perfkit_command import clean_environment
from probe_spool import Spooled, run_with_probe


def seen_in(
    program: str, folder: Path, arguments: Callable[[], list[str]], python: str | Path = sys.executable
) -> tuple[Any, Spooled]:
    """What the program printed as JSON, and what the probe saw of it."""
    script = folder / "program.py"
    script.write_text(program)
    words = [str(python), "-X", "dev", str(script), *arguments()]
    alone = subprocess.run(
        words, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert alone.returncode == 0, alone.stderr
    ended, processes = run_with_probe(script, folder / "spool", python, *arguments())
    assert (ended.returncode, ended.stdout) == (0, alone.stdout), ended.stderr
    assert len(processes) == 1
    assert processes[0].gaps == []
    return json.loads(ended.stdout), processes[0]


def where(database: Any) -> str:
    """A new database in the same server, as a program takes it from its arguments."""
    fresh = database.fresh()
    return json.dumps({name: getattr(fresh, name) for name in ("host", "port", "user", "password", "name", "dsn")})


def counts(seen: Spooled, *kinds: str) -> Counter[str]:
    return Counter(seen.name(span) for span in seen.of(*kinds))


def rows(seen: Spooled, text: str, kind: str = "fetch") -> list[int]:
    """Of each span about a statement that begins so; -1 where they are unknown."""
    counted = [span.count for span in seen.of(kind) if seen.name(span).startswith(text)]
    return [-1 if count is None else count for count in counted]


def lines(seen: Spooled, text: str, program: str) -> set[str]:
    """The program's own lines, innermost, from which a statement that begins so came."""
    source = program.splitlines()
    found = set()
    for span in seen.of("sql", "fetch", "transaction"):
        if seen.name(span).startswith(text):
            own = [line for _, file, line in seen.site(span) if Path(file).name == "program.py"]
            found.add(source[own[-1] - 1].strip() if own else "")
    return found
