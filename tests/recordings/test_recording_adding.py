"""A log or plans put beside what was measured: all of it or nothing, in recordings of every format."""

from __future__ import annotations

import gzip
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from recording_cases import LOG, NOT_PLANNED, PLAN

from perfkit.errors import PerfkitError
from perfkit.recordings import add, load
from perfkit.recordings.schema import SCHEMA_VERSION

OLDER = sorted((Path(__file__).parent / "older").iterdir())


@pytest.mark.parametrize("name", [path.name for path in OLDER])
def test_an_older_recording_gets_them_and_keeps_the_rest(name: str, tmp_path: Path) -> None:
    path = tmp_path / "old.perfkit"
    path.write_bytes(gzip.decompress((Path(__file__).parent / "older" / name).read_bytes()))
    before = load(path)
    add(path, LOG, [PLAN], [NOT_PLANNED])
    found = load(path)
    assert (found.log, found.plans, found.not_planned) == (LOG, (PLAN,), (NOT_PLANNED,))
    assert (found.run, found.requests, list(found.spans)) == (before.run, before.requests, list(before.spans))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_new_evidence_replaces_the_old(recording: Path) -> None:
    add(recording, replace(LOG, events=7), [replace(PLAN, version="19")])
    found = load(recording)
    assert found.log is not None and found.log.events == 7
    assert ([plan.version for plan in found.plans], found.not_planned) == (["19"], ())


def test_plans_alone_leave_the_log(recording: Path) -> None:
    add(recording, plans=[PLAN])
    assert load(recording).log == LOG


def test_what_is_no_recording_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(PerfkitError, match="not a perfkit recording"):
        add(path, LOG)
    assert path.read_text() == "mine"


def test_one_that_is_locked_is_said_to_be(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfkit.recordings.adding._TIMEOUT", 0.0)
    other = sqlite3.connect(recording, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(PerfkitError, match="in use"):
        add(recording, LOG)
    other.close()
