"""Scripts that serve one request after another, in whatever Python, without a framework."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from probe_spool import Spooled, run_with_probe

_SERVE = """
    from perfkit_probe.requests import TASK, Request, current, get_current

    def serve(function, endpoint="GET /x"):
        request = Request(TASK, endpoint)
        token = current.set(request)
        try:
            return function()
        finally:
            current.reset(token)
            request.end()
"""


def write(folder: Path, body: str, modules: Mapping[str, str] | None = None) -> Path:
    """A script whose `serve(function)` calls the function as a request; `modules` are files beside it, by path."""
    folder.mkdir(exist_ok=True)
    for name, text in (modules or {}).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
    script = folder / "script.py"
    script.write_text(dedent(_SERVE) + dedent(body))
    return script


def ran(script: Path, python: str | Path = sys.executable, *arguments: str) -> tuple[str, Spooled]:
    """What it printed, and what its one process left, without complaints of either."""
    spool = Path(tempfile.mkdtemp(dir=script.parent.parent))
    ended, processes = run_with_probe(script, spool, python, *arguments)
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr, ended.stderr
    (process,) = processes
    assert not process.gaps, process.gaps
    return ended.stdout, process
