"""Whatever a file says, load returns a recording or one PerfkitError."""

from __future__ import annotations

import os
import random
import sqlite3
import zlib
from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.recordings import load
from perfkit.recordings.schema import SCHEMA_VERSION


def refusal(path: Path) -> PerfkitError:
    with pytest.raises(PerfkitError) as caught:
        load(path)
    assert caught.value.exit_code == 125
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_missing(tmp_path: Path) -> None:
    assert "there is no recording" in refusal(tmp_path / "none.perfkit").message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"hello", b"\0" * 5000, b"SQLite format 2\0" + b"\0" * 200, b"%PDF-1.7\n" * 99])
def test_not_sqlite(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.perfkit"
    path.write_bytes(content)
    assert refusal(path).message == f"{path} is not a perfkit recording."


def test_another_program_s_database(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    change(path, "CREATE TABLE run (key, value)", "PRAGMA user_version = 9")
    assert refusal(path).message == f"{path} is not a perfkit recording."


def test_a_folder_and_a_pipe(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path).message
    os.mkfifo(tmp_path / "pipe")
    assert "is not a perfkit recording" in refusal(tmp_path / "pipe").message


def test_newer(recording: Path) -> None:
    change(recording, f"PRAGMA user_version = {SCHEMA_VERSION + 6}")
    error = refusal(recording)
    assert f"format is {SCHEMA_VERSION + 6}" in error.message
    assert "upgrade perfkit" in error.hint


def test_a_version_that_never_was(recording: Path) -> None:
    change(recording, "PRAGMA user_version = 0")
    assert "is damaged: its format has the number 0" in refusal(recording).message


def test_truncated_anywhere(recording: Path) -> None:
    content = recording.read_bytes()
    for length in (0, 16, 50, 100, 4096, len(content) // 2, len(content) - 4096, len(content) - 1):
        recording.write_bytes(content[:length])
        assert "is damaged" in refusal(recording).message, length


def test_overwritten_bytes_never_end_in_a_traceback(recording: Path) -> None:
    content = recording.read_bytes()
    choose = random.Random(7)
    refused = 0
    for _ in range(500):
        broken = bytearray(content)
        for _ in range(choose.choice((1, 8, 64))):
            broken[choose.randrange(100, len(broken))] = choose.randrange(256)
        recording.write_bytes(broken)
        try:
            load(recording)
        except PerfkitError as error:
            refused += 1
            assert "is damaged" in error.message
    assert refused > 20


def test_not_allowed_to_read(plain_user: Path) -> None:
    path = plain_user / "x.perfkit"
    path.write_bytes(b"")
    path.chmod(0)
    assert "not allowed to read" in refusal(path).message


HOSTILE = {
    "a stack that points forward": "UPDATE stack SET parent = 3 WHERE id = 2",
    "a stack that points to itself": "UPDATE stack SET parent = id WHERE id = 1",
    "a stack without its frame": "UPDATE stack SET frame = 99 WHERE id = 1",
    "a stack with a frame below zero": "UPDATE stack SET frame = -1 WHERE id = 1",
    "a stack in the place of the empty one": "INSERT INTO stack VALUES (0, 0, 0)",
    "a frame without its path": "UPDATE frame SET file = 99",
    "an origin of its own": "UPDATE frame SET origin = 'moon'",
    "a sample of no stack": "UPDATE sample SET stack = 99",
    "a sample of no thread": "UPDATE sample SET thread = 99",
    "a sample of no window": "UPDATE sample SET window = 99",
    "a negative sample": "UPDATE sample SET n = -1",
    "a huge sample": "UPDATE sample SET n = 1e30",
    "a sample in words": "UPDATE sample SET seconds = 'many'",
    "endless seconds": "UPDATE sample SET seconds = 9e999",
    "negative seconds": "UPDATE sample SET seconds = -0.5",
    "negative rounds": "UPDATE window SET rounds = -1",
    "a window of no process": "UPDATE window SET process = 99",
    "an unknown kind": "UPDATE window SET kind = 'gas'",
    "a thread of no process": "UPDATE thread SET process = 99",
    "a usage of no process": "UPDATE usage SET process = 99",
    "negative memory": "UPDATE usage SET rss = -5",
    "a request of no process": "UPDATE request SET process = 99",
    "a request of an unknown kind": "UPDATE request SET kind = 'gas'",
    "a request below zero": "UPDATE request SET number = -1",
    "a response below zero": "UPDATE request SET size = -1",
    "a request of endless work": "UPDATE request SET cpu = 9e999",
    "a span of no process": "UPDATE span SET process = 99",
    "a span of no name": "UPDATE span SET name = 99",
    "a span of no stack": "UPDATE span SET stack = 99",
    "a span of a stack below zero": "UPDATE span SET stack = -1",
    "a span of a request below zero": "UPDATE span SET request = -1",
    "a span of half a request": "UPDATE span SET request = 0.5",
    "a span of an unknown kind": "UPDATE span SET kind = 'gas'",
    "a span of a kind in bytes": "UPDATE span SET kind = x'73716c'",
    "a span of endless seconds": "UPDATE span SET seconds = 9e999",
    "a span of negative seconds": "UPDATE span SET seconds = -0.5",
    "a span that never begins": "UPDATE span SET start = 9e999",
    "a span before all time": "UPDATE span SET start = -9e999",
    "a span that begins in words": "UPDATE span SET start = 'soon'",
    "a span that counts below zero": "UPDATE span SET count = -1",
    "a span that counts in words": "UPDATE span SET count = 'many'",
    "a span that counts in halves": "UPDATE span SET count = 0.5",
    "a span of a key in words": "UPDATE span SET key = ''",
    "a span of a key in halves": "UPDATE span SET key = 0.5",
    "a name in bytes that are not text": "UPDATE span_name SET text = x'ff'",
    "a name below zero": "UPDATE span_name SET id = -1 WHERE id = 1",
    "a name of a numbered system": "UPDATE span_name SET system = x'ff'",
    "no spans": "DROP TABLE span",
    "no names": "DROP TABLE span_name",
    "a call of no frame": "UPDATE call SET callee = 99",
    "a call of a word": "UPDATE call SET callee = 'main', caller = 77",
    "negative calls": "UPDATE call SET calls = -1",
    "a name that is not text": "UPDATE thread SET name = x'ff'",
    "text that is not Unicode": "UPDATE thread SET name = CAST(x'ff' AS TEXT)",
    "no run": "DELETE FROM run",
    "a run without a command": "DELETE FROM run WHERE key = 'command'",
    "a run that is not JSON": "UPDATE run SET value = '{' WHERE key = 'command'",
    "a run that is nested too deep": f"UPDATE run SET value = '{'[' * 100_000}' WHERE key = 'project'",
    "a run of another type": "UPDATE run SET value = '[1]' WHERE key = 'project'",
    "a command that is a number": "UPDATE run SET value = '3' WHERE key = 'command'",
    "a duration that is no number": "UPDATE run SET value = 'NaN' WHERE key = 'duration'",
    "cores beyond counting": f"UPDATE run SET value = '1{'0' * 400}' WHERE key = 'cores'",
    "a rate beyond counting": f"UPDATE run SET value = '1{'0' * 400}' WHERE key = 'rate'",
    "a start after the calendar": "UPDATE run SET value = '1e300' WHERE key = 'started'",
    "an unknown mode": "UPDATE run SET value = '\"steam\"' WHERE key = 'mode'",
    "sealed by a word": "UPDATE run SET value = '\"yes\"' WHERE key = 'sealed'",
    "a source that is not compressed": "UPDATE source SET text = x'00'",
    "a source that is text": "UPDATE source SET text = 'def f(): ...'",
    "a source of no file": "UPDATE source SET file = 99",
    "a missing table": "DROP TABLE gap",
    "a missing column": "ALTER TABLE gap DROP COLUMN remedy",
}


@pytest.mark.parametrize("statement", HOSTILE.values(), ids=HOSTILE)
def test_hostile_content(recording: Path, statement: str) -> None:
    change(recording, statement)
    assert "is damaged" in refusal(recording).message


def test_a_view_without_end_is_not_a_table(recording: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 1, 0, 1, 0.1 FROM n"
    change(recording, "DROP TABLE sample", f"CREATE VIEW sample (window, thread, stack, n, seconds) AS {endless}")
    assert "no table sample" in refusal(recording).message


def test_a_table_that_contains_itself(recording: Path) -> None:
    """Each child of the root page is the root itself: a walk through it would not end."""
    connection = sqlite3.connect(recording, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = OFF")
    rows = [(1, 1, 0, 1, 0.5)] * 60_000
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sample'").fetchone()[0]
    connection.close()
    content = bytearray(recording.read_bytes())
    start = (root - 1) * 4096
    assert content[start] == 5  # an interior page of a table
    cells = int.from_bytes(content[start + 3 : start + 5], "big")
    for cell in range(cells):
        pointer = start + int.from_bytes(content[start + 12 + 2 * cell : start + 14 + 2 * cell], "big")
        content[pointer : pointer + 4] = root.to_bytes(4, "big")
    recording.write_bytes(content)
    assert "is damaged" in refusal(recording).message


def test_a_source_that_unpacks_without_end(recording: Path) -> None:
    bomb = zlib.compress(b"\0" * (65 * 2**20))
    connection = sqlite3.connect(recording)
    connection.execute("UPDATE source SET text = ?", (bomb,))
    connection.commit()
    connection.close()
    assert "a source text is cut off" in refusal(recording).message


def test_what_a_later_perfkit_adds_to_the_run_is_passed_over(recording: Path) -> None:
    change(recording, "INSERT INTO run VALUES ('colour', '\"green\"')")
    assert load(recording).run.sealed
