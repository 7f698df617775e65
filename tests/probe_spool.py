"""Runs a program with the probe in it, as a launched target has it, and reads what the probe left in the spool."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from perfkit.collectors.probe_events import Definition, RequestEvent, SpanEvent, events
from perfkit.pipeline.collecting import PROBE_FOLDER


@dataclass
class Spooled:
    """What one process wrote, with numbers resolved. A site is (function, file, line), outermost first."""

    pid: int = 0
    requests: list[RequestEvent] = field(default_factory=list)
    spans: list[SpanEvent] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    systems: dict[int, str] = field(default_factory=dict)
    endpoints: dict[int, str] = field(default_factory=dict)
    sites: dict[int, list[tuple[str, str, int]]] = field(default_factory=lambda: {0: []})
    gaps: list[tuple[str, ...]] = field(default_factory=list)

    def of(self, *kinds: str) -> list[SpanEvent]:
        return [span for span in self.spans if span.kind in kinds]

    def name(self, span: SpanEvent) -> str:
        return self.names[span.name]

    def site(self, span: SpanEvent) -> list[tuple[str, str, int]]:
        return self.sites[span.stack]

    def endpoint(self, request: RequestEvent) -> str:
        return self.endpoints[request.endpoint]


def environment_for(spool: Path, project: Path) -> dict[str, str]:
    """A target's environment with the probe on. `spool` must be there."""
    path = os.pathsep.join(filter(None, [PROBE_FOLDER, os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PERFKIT_TARGET_PROBE": "1",
        "PERFKIT_SPOOL": str(spool),
        "PERFKIT_TARGET_PROJECT": str(project),
    }


def run_with_probe(
    script: Path, spool: Path, python: str | Path = sys.executable, *arguments: str, timeout: float = 60
) -> tuple[subprocess.CompletedProcess[str], list[Spooled]]:
    """A script run to its end, and what each of its processes left."""
    spool.mkdir(mode=0o700, exist_ok=True)
    ended = subprocess.run(
        [str(python), str(script), *arguments],
        env=environment_for(spool, script.parent),
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return ended, read_spool(spool)


def read_spool(spool: Path) -> list[Spooled]:
    """One for each file, in the order of their names."""
    return [_read(path.read_bytes()) for path in sorted(spool.glob("events-*"))]


def _read(data: bytes) -> Spooled:
    found = Spooled()
    for event, _ in events(data):
        if isinstance(event, SpanEvent):
            found.spans.append(event)
        elif isinstance(event, RequestEvent):
            found.requests.append(event)
        else:
            _define(found, event)
    return found


def _define(found: Spooled, event: Definition) -> None:
    fields = event.fields
    if event.kind == "hello":
        found.pid = int(fields[0])
    elif event.kind == "name":
        found.names[int(fields[0])] = fields[1]
        found.systems[int(fields[0])] = fields[2]
    elif event.kind == "endpoint":
        found.endpoints[int(fields[0])] = fields[1]
    elif event.kind == "stack":
        rest = fields[1:]
        found.sites[int(fields[0])] = [
            (function, file, int(line)) for function, file, line in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
        ]
    elif event.kind == "gap":
        found.gaps.append(fields)
