"""Recordings that earlier formats left behind, kept as they were written: each still loads, and its report renders."""

from __future__ import annotations

import gzip
import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

import perfkit
from perfkit.errors import PerfkitError
from perfkit.model.recording import Call, Frame, Gap, Request
from perfkit.recordings import load
from perfkit.recordings.reader import load_run
from perfkit.recordings.schema import SCHEMA_VERSION
from perfkit.reports import FORMATS

FOLDER = Path(__file__).parent / "older"
NAMES = sorted(path.name for path in FOLDER.iterdir())


def unpacked(name: str, folder: Path) -> Path:
    path = folder / name.removesuffix(".gz")
    path.write_bytes(gzip.decompress((FOLDER / name).read_bytes()))
    return path


def test_every_older_format_is_kept() -> None:
    formats = {int(found[1]) for name in NAMES if (found := re.match(r"format-(\d+)-", name))}
    assert formats == set(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_without_being_changed(name: str, tmp_path: Path) -> None:
    path = unpacked(name, tmp_path)
    before = path.read_bytes()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (int(name.split("-")[1]),)
    connection.close()
    assert load(path).run == load_run(path)
    assert load(path).run.sealed
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", NAMES)
def test_its_report_renders(name: str, tmp_path: Path) -> None:
    report = perfkit.report(unpacked(name, tmp_path))
    for format in ("terminal", "json", "markdown", "html"):
        assert perfkit.render(report, format), format


def test_a_run_of_format_1(tmp_path: Path) -> None:
    path = unpacked("format-1-run.perfkit.gz", tmp_path)
    found = load(path)
    assert Counter(request.status for request in found.requests) == {200: 575}
    assert {(request.source, request.process, request.kind, request.cpu) for request in found.requests} == {
        ("load", None, None, None)
    }
    assert (len(found.spans), dict(found.names)) == (0, {})
    report = perfkit.report(path)
    for format in ("terminal", "concise", "json", "markdown", "html", "speedscope", "collapsed"):
        assert "words" in perfkit.render(report, format), format


def test_every_noun_of_format_1(tmp_path: Path) -> None:
    found = load(unpacked("format-1-everything.perfkit.gz", tmp_path))
    main = Frame("main", "/srv/shop/app.py", 3, "app")
    assert found.requests == (Request("GET /orders", 0.5, 0.0381, 200), Request("GET /page", 0.75, 0.005, 0))
    assert found.calls[0] == Call(1, None, main, 1, 1, 0.5, 2.0)
    assert found.gaps == (Gap("query plans", "no DSN", "give --dsn URL"),)
    tables = (found.threads, found.windows, found.thread_usage, found.usage, found.machine, found.files, found.sources)
    assert [len(rows) for rows in tables] == [2, 1, 2, 2, 2, 3, 1]
    assert [found.stacks.expand(stack)[:1] for stack in found.samples.stack] == [(main,), (main,), ()]


def test_a_run_of_format_2(tmp_path: Path) -> None:
    path = unpacked("format-2-run.perfkit.gz", tmp_path)
    found = load(path)
    assert (found.log, found.plans, found.not_planned) == (None, (), ())
    assert {request.source for request in found.requests} == {"load", "probe"}
    report = perfkit.report(path)
    for format in set(FORMATS) - {"lprof", "mprof"}:  # of lines and memory, which nobody asked for
        assert perfkit.render(report, format), format
    assert "n-plus-one" in {finding.rule for finding in report.findings}


def test_every_noun_of_format_2(tmp_path: Path) -> None:
    found = load(unpacked("format-2-everything.perfkit.gz", tmp_path))
    assert [len(found.spans), len(found.names), len(found.requests), len(found.gaps)] == [3, 2, 4, 1]


def test_a_log_of_format_3(tmp_path: Path) -> None:
    path = unpacked("format-3-log.perfkit.gz", tmp_path)
    found = load(path)
    assert found.log is not None and found.log.events == 64
    assert (found.lines, found.memory, found.rises, found.containers) == ((), (), (), ())
    assert (found.heaps, found.garbage, found.imports, found.line_bytes) == ((), (), (), ())
    assert found.allocations == ()
    assert perfkit.render(perfkit.report(path), "terminal")


def test_every_noun_of_format_3(tmp_path: Path) -> None:
    found = load(unpacked("format-3-everything.perfkit.gz", tmp_path))
    assert found.log is not None and list(found.log.digests) == ["select * from orders where customer = ?"]
    assert [len(found.plans), len(found.not_planned), len(found.spans), len(found.calls)] == [1, 1, 3, 2]


def test_every_noun_of_format_4(tmp_path: Path) -> None:
    found = load(unpacked("format-4-everything.perfkit.gz", tmp_path))
    assert [len(found.lines), len(found.line_bytes), len(found.heaps), len(found.containers)] == [2, 2, 2, 2]
    assert found.allocations == ()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE request",
        "ALTER TABLE request ADD COLUMN cpu REAL",
        "CREATE TABLE span (process)",
        "CREATE VIEW span_name AS SELECT 1",
        "UPDATE request SET status = -1",
    ],
)
def test_damage_in_an_older_file(statement: str, tmp_path: Path) -> None:
    path = unpacked("format-1-everything.perfkit.gz", tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(PerfkitError, match="is damaged"):
        load(path)
