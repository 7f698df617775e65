"""From a launched target to the recording: requests, spans and gaps of real processes, each process with its own."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from perfkit.collectors import probe
from perfkit.collectors.probe import ProbeCollector
from perfkit.model.recording import Recording
from perfkit.model.target import Command
from perfkit.pipeline import Options, measure
from perfkit.pipeline.collecting import PROBE_FOLDER
from perfkit.recordings import load
from perfkit.shared.origin import reads_a_clock

STATEMENTS = """
import os, sqlite3, sys, time
database = sqlite3.connect(":memory:")
def ask():
    return database.execute("SELECT ? + 1 WHERE 'secret' <> ''", (41,)).fetchall()
until = time.monotonic() + 1.0
while time.monotonic() < until:
    ask()
    sum(range(2000))
if len(sys.argv) > 1 and os.fork() == 0:
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        ask()
    os._exit(0)
elif len(sys.argv) > 1:
    os.wait()
"""


def _measured(
    folder: Path, script: str, *words: str, python: tuple[str, ...] = (), options: Options | None = None
) -> Recording:
    (folder / "script.py").write_text(script)
    argv = (sys.executable, *python, str(folder / "script.py"), *words)
    target = Command(argv, sys.executable, str(folder))
    measured = measure(target, options or Options(), folder / "out.perfkit")
    assert measured.failure is None
    return load(folder / "out.perfkit")


def test_who_writes_faster_than_perfkit_reads_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    script = "import sqlite3\nask = sqlite3.connect(':memory:').execute\nwhile True: ask('SELECT 1').fetchall()\n"
    recording = _measured(tmp_path, script, options=Options(duration=1.0))
    assert recording.run.stopped_by == "duration"
    assert len(recording.spans) > 1000
    assert all(span.start <= recording.run.duration for span in recording.spans)


@pytest.mark.parametrize(("kept", "fewest", "most"), [(probe._KEPT_FOR_LATER, 1, 80_000), (20_000, 120_000, 1 << 30)])
def test_it_is_decoded_when_the_target_has_ended_unless_much_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int, fewest: int, most: int
) -> None:
    read: list[int] = []
    rest = ProbeCollector.take_last_words

    def last_words(self: ProbeCollector, until: float) -> None:
        read.append(sum(spooled.offset for spooled in self._files.values()))
        rest(self, until)

    monkeypatch.setattr(probe, "_KEPT_FOR_LATER", kept)
    monkeypatch.setattr(ProbeCollector, "take_last_words", last_words)
    recording = _measured(tmp_path, STATEMENTS)
    assert fewest <= read[0] <= most
    assert len(recording.spans) > 200


def test_the_probe_reads_the_clock_where_samples_of_it_are_the_callers() -> None:
    source = (Path(PROBE_FOLDER) / "perfkit_probe" / "requests.py").read_text()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    reading = [f.name for f in functions if "thread_time()" in (ast.get_source_segment(source, f) or "")]
    assert set(reading) - {"thread_time"} == {"__init__", "end"}
    assert all(
        reads_a_clock(f"{PROBE_FOLDER}/perfkit_probe/requests.py", f"Request.{name}") for name in ("__init__", "end")
    )


def test_statements_of_a_script_and_of_its_fork(tmp_path: Path) -> None:
    recording = _measured(tmp_path, STATEMENTS, "fork")
    processes = {span.process for span in recording.spans if span.kind == "sql"}
    assert processes == {process.id for process in recording.processes}
    assert len(processes) == 2
    spans = [span for span in recording.spans if span.kind == "sql"]
    fetches = [span for span in recording.spans if span.kind == "fetch"]
    # The child ends by os._exit: its last moments may be cut between a statement and its rows.
    assert len(spans) - 1 <= len(fetches) <= len(spans)
    assert len(fetches) > 100
    assert {recording.names[span.name].text for span in spans} == {"SELECT ? + ? WHERE ? <> ?"}
    assert {span.count for span in fetches} == {1}
    site = recording.stacks.expand(spans[0].stack)
    assert any(frame.function == "ask" and frame.line == 5 and frame.origin == "app" for frame in site)
    assert all(0 <= span.start <= recording.run.duration for span in spans)


def test_a_value_is_in_no_byte_of_the_recording(tmp_path: Path) -> None:
    _measured(tmp_path, STATEMENTS)
    assert b"secret" not in (tmp_path / "out.perfkit").read_bytes().replace(STATEMENTS.encode(), b"")


def test_values_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    recording = _measured(tmp_path, STATEMENTS, options=Options(keep_literals=True))
    assert any("'secret'" in name.text for name in recording.names.values())


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_where_the_probe_cannot_start_is_a_gap(tmp_path: Path, flag: str) -> None:
    recording = _measured(tmp_path, STATEMENTS.replace("1.0", "2.0"), python=(flag,))
    assert not len(recording.spans)
    assert any("the probe did not start" in gap.why for gap in recording.gaps)
    assert len(recording.samples)


def test_no_probe_is_a_gap_and_leaves_samples(tmp_path: Path) -> None:
    recording = _measured(tmp_path, STATEMENTS, options=Options(probe=False))
    assert not len(recording.spans)
    assert any("--no-probe" in gap.why for gap in recording.gaps)
    assert len(recording.samples)


def test_garbage_in_the_spool_is_a_gap(tmp_path: Path) -> None:
    script = "import os, time\n" + STATEMENTS.replace(
        "until =", "open(os.environ['PERFKIT_SPOOL'] + '/events-1-0', 'wb').write(b'garbage')\nuntil =", 1
    )
    recording = _measured(tmp_path, script)
    assert any("cannot be read" in gap.why for gap in recording.gaps)
    assert len(recording.spans) > 100
