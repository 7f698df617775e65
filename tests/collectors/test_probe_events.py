"""The spool: what a probe writes is what perfkit reads, and whatever else lies there is refused, never believed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.collectors.probe_events import Definition, Event, GarbledError, RequestEvent, SpanEvent, events
from perfkit.model.recording import RequestKind, SpanKind
from perfkit.pipeline.collecting import PROBE_FOLDER
from probe_spool import run_with_probe

WRITES = """
import sys
from perfkit_probe import requests, spool
request = requests.Request(requests.WSGI, "GET /orders/<id>")
requests.current.set(request)
requests.span(requests.SQL, requests.name("SELECT ?", "sqlite"), 5.0, 0.25, 7, -3)
request.status, request.size = 200, 1234
request.end()
requests.current.set(None)
requests.span(requests.GC, requests.name("collection \\udcff;\\n"), 6.0, 0.5)
spool.gap("what", "why", "remedy")
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("written")
    (folder / "writes.py").write_text(WRITES)
    ended, _ = run_with_probe(folder / "writes.py", folder / "spool")
    assert ended.returncode == 0, ended.stderr
    (file,) = (folder / "spool").glob("events-*")
    return file.read_bytes()


def _all(data: bytes) -> list[Event]:
    return [event for event, _ in events(data)]


def test_what_is_written_is_read(written: bytes) -> None:
    found = _all(written)
    request = next(event for event in found if isinstance(event, RequestEvent))
    assert (request.kind, request.status, request.size) == ("wsgi", 200, 1234)
    assert request.seconds >= 0
    sql, collection = (event for event in found if isinstance(event, SpanEvent))
    assert (sql.kind, sql.request, sql.start, sql.seconds, sql.count, sql.key) == (
        "sql",
        request.number,
        5.0,
        0.25,
        7,
        -3,
    )
    assert (collection.kind, collection.request, collection.count, collection.key) == ("gc", 0, None, None)
    kinds = [event.kind for event in found if isinstance(event, Definition)]
    assert kinds[0] == "hello"
    assert set(kinds) == {"hello", "endpoint", "name", "stack", "gap"}


def test_kinds_are_the_same_on_both_sides() -> None:
    script = "from perfkit_probe import spool; print(*spool.KINDS); print(*spool.REQUEST_KINDS)"
    told = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": PROBE_FOLDER}, capture_output=True, text=True
    )
    spans, requests = told.stdout.splitlines()
    assert tuple(spans.split()) == get_args(SpanKind)
    assert tuple(requests.split()) == get_args(RequestKind)


def test_a_cut_file_gives_what_is_whole(written: bytes) -> None:
    whole = _all(written)
    for length in range(len(written)):
        found = _all(written[:length])
        assert found == whole[: len(found)]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        ends = [end for _, end in events(data)]
    except GarbledError:
        return
    assert ends == sorted(ends)
    assert all(end <= len(data) for end in ends)


def test_a_changed_byte_never_makes_a_time_that_cannot_be(written: bytes) -> None:
    for position in range(len(written)):
        for value in (0, 255):
            try:
                found = _all(written[:position] + bytes([value]) + written[position + 1 :])
            except GarbledError:
                continue
            for event in found:
                if not isinstance(event, Definition):
                    assert 0 <= event.start < 1e10
                    assert 0 <= event.seconds < 1e10


def test_the_probe_imports_without_perfkit() -> None:
    assert importlib.util.find_spec("perfkit_probe") is None
    assert (Path(PROBE_FOLDER) / "sitecustomize.py").is_file()
