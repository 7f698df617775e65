"""What perfkit's own gate runs of perfkit: the report of one fixed recording, in every format that is text."""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

from perfkit.pipeline import render, report_of

RECORDING = Path(__file__).parents[1] / "tests/recordings/older/format-4-everything.perfkit.gz"

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "fixed.perfkit")
    path.write_bytes(gzip.decompress(RECORDING.read_bytes()))
    report = report_of(path)
    for name in ("terminal", "concise", "json", "markdown", "html"):
        sys.stdout.write(f"{name}: {len(render(report, name))} characters\n")
