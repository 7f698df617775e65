"""Scripts that run with the probe and what it tells of their memory."""

from __future__ import annotations

import subprocess
from pathlib import Path

from perfkit.collectors.probe_events import Definition, events
from probe_spool import environment_for


def ran(
    tmp_path: Path, python: str, script: str, wish: str | None = None, **variables: str
) -> tuple[str, list[Definition]]:
    """What a script prints, and what it tells. `wish` asks for tracemalloc."""
    spool, project = tmp_path / "spool", tmp_path / "app"
    spool.mkdir(mode=0o700)
    project.mkdir(exist_ok=True)
    if wish is not None:
        (spool / "allocations-1.json").write_text(wish)
    (project / "main.py").write_text(script)
    ended = subprocess.run(
        [python, "main.py"],
        env=environment_for(spool, project) | variables,
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    told = [event for file in spool.glob("events-*") for event, _ in events(file.read_bytes())]
    return ended.stdout, [event for event in told if isinstance(event, Definition)]
