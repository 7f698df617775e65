"""Sampling: one side runs for some seconds more, at its own pace and with nothing counted; its recording goes out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from perfkit.errors import PerfkitError
from perfkit.model.target import Load, Workload
from perfkit.pipeline.gating.sides import Side
from perfkit.pipeline.values import Options

# Of a server; a script takes what it takes.
SECONDS = 4.0
_RATE = 100.0


def sampled(side: Side, urls: tuple[str, ...], folder: Path, timeout: float, seconds: float = SECONDS) -> Path:
    """`seconds` of a server. Raises PerfkitError where nothing could be measured, and KeyboardInterrupt."""
    from perfkit.pipeline.measuring import measure

    path = Path(tempfile.mkdtemp(prefix=f"{side.name}-", dir=folder), "sampled.perfkit")
    project = (str(side.root),)
    if side.urls:
        workload = Workload(Load(urls, None, 1), ready=side.ready, ready_timeout=timeout)
        options = Options(workload=workload, duration=seconds, warmup=0.5, rate=_RATE, project=project)
    else:
        options = Options(rate=_RATE, project=project)
    measured = measure(side.seeded(0, path.with_suffix(".log")), options, path)
    if measured.interrupted:
        raise KeyboardInterrupt
    if measured.path is None:
        raise measured.failure or PerfkitError("nothing was measured.", "")
    return measured.path
