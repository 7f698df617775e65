"""Reports room: a verdict as GitLab's code quality report. A verdict comes in; a JSON list goes out, empty without a breach."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from perfkit.model.gate import Breach, Verdict
from perfkit.reports.gate_github import cut, in_repository
from perfkit.reports.interface import RenderOptions
from perfkit.reports.visible import visible

_TEXT = 2000  # characters
ANYWHERE = "pyproject.toml"  # code scanners drop what has no file; a budget is written in this one


def render(verdict: Verdict, options: RenderOptions) -> str:
    return json.dumps([_degradation(breach, verdict.root) for breach in verdict.breaches], indent=2) + "\n"


def fingerprint(breach: Breach) -> str:
    """The same for the same breach of every build, whatever its numbers and lines are."""
    return sha256(breach.key.encode("utf-8", "surrogatepass")).hexdigest()


def _degradation(breach: Breach, root: str) -> dict[str, Any]:
    file = in_repository(breach.where, root)
    known = breach.where is not None and file is not None
    line = max(1, breach.where.line) if known and breach.where else 1
    said = [breach.title, breach.why, f"budget: {breach.metric} {breach.budget}"]
    return {
        "description": "; ".join(cut(part, _TEXT) for part in said if part),
        "check_name": f"perfkit-gate-{visible(breach.metric)}",
        "fingerprint": fingerprint(breach),
        "severity": "major",
        "location": {"path": visible(file) if file else ANYWHERE, "lines": {"begin": line}},
    }
