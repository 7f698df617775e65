"""OpenTelemetry's automatic instrumentation beside the probe: both see each statement once."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from perfkit.recordings import load
from perfkit_command import Here, clean_environment

PACKAGES = ("opentelemetry-distro==0.66b1", "opentelemetry-instrumentation-sqlite3==0.66b1")
PROGRAM = """
import sqlite3
database = sqlite3.connect(":memory:")
cursor = database.cursor()
for number in range(7):
    cursor.execute("SELECT ? AS through_a_cursor", (number,))
    assert cursor.fetchall() == [(number,)]
    assert database.execute("SELECT 1 AS at_once").fetchone() == (1,)
end = sum(number * number for number in range(5_000_000))
"""
CONSOLE = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


def spans(out: bytes) -> Counter[str]:
    """What its exporter prints, one JSON object after the other."""
    decoder, text, found = json.JSONDecoder(), out.decode(), Counter[str]()
    while text := text.lstrip():
        span, end = decoder.raw_decode(text)
        found[span["attributes"]["db.statement"]] += 1
        text = text[end:]
    return found


def test_started_by_its_launcher(here: Here, environment: Callable[..., Path]) -> None:
    python = environment("3.13", *PACKAGES)
    (here.folder / "program.py").write_text(PROGRAM)
    words = [str(python.with_name("opentelemetry-instrument")), str(python), "program.py"]
    alone = subprocess.run(words, cwd=here.folder, capture_output=True, env=clean_environment(**CONSOLE), check=False)
    ended = here.run(*words, **CONSOLE)
    assert (ended.code, alone.returncode) == (0, 0), ended.err
    assert spans(ended.out) == spans(alone.stdout)
    assert sum(spans(ended.out).values()) > 0
    (recording,) = here.recordings
    found = load(recording)
    statements = Counter(found.names[span.name].text for span in found.spans if span.kind == "sql")
    assert statements == {"SELECT ? AS through_a_cursor": 7, "SELECT ? AS at_once": 7}
