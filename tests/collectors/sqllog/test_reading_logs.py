"""Logs from files to a SqlLog: PostgreSQL's stderr format against the other formats of the same events, sources, jobs, runs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfkit.collectors.sqllog.follow import follow_log
from perfkit.collectors.sqllog.jobs import read_in_parts
from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.postgres_guess import worked_out
from perfkit.collectors.sqllog.postgres_prefix import compiled
from perfkit.collectors.sqllog.postgres_stderr import FORMAT
from perfkit.collectors.sqllog.reading import read_logs
from perfkit.collectors.sqllog.sources import expanded
from perfkit.errors import PerfkitError
from perfkit.model.sqllog import SqlLog
from sql_logs import PLANS, STATEMENT_THEN_DURATION, TEXT_PLANS, postgres_logs

VARIANTS = {
    "18": ("18", {}),
    "15": ("15", {}),
    "18 with plans": ("18", PLANS),
    "15 with plans as text": ("15", TEXT_PLANS),
    "18 with text and duration apart": ("18", STATEMENT_THEN_DURATION),
}


def line(second: float, text: str, pid: int = 7, user: str = "ann", severity: str = "LOG") -> str:
    at = f"2026-03-01 12:{int(second) // 60:02}:{second % 60:06.3f} UTC"
    return f"{at} [{pid}] {user}@shop {severity}:  {text}\n"


def run(start: float, count: int, text: str = "SELECT * FROM item WHERE id = {}", pid: int = 7) -> str:
    return "".join(
        line(start + n / 1000, f"duration: 0.100 ms  statement: {text.format(n)}", pid) for n in range(count)
    )


PARENT = "duration: 1.000 ms  statement: SELECT * FROM parent WHERE x = 'a'"


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "postgresql.log"


def read(path: Path, text: str | bytes, options: LogOptions | None = None) -> SqlLog:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_logs([path], options)


@pytest.mark.real
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("keep_literals", [False, True])
def test_three_formats_of_the_same_events_give_the_same_log(variant: str, keep_literals: bool) -> None:
    version, given_settings = VARIANTS[variant]
    logs = postgres_logs(version, settings=given_settings)
    options = LogOptions(keep_literals=keep_literals)
    assert logs.jsonlog is not None
    found = [read_logs([path], options) for path in (logs.stderr, logs.csvlog, logs.jsonlog)]
    assert [log.formats for log in found] == [("postgres-stderr",), ("postgres-csv",), ("postgres-json",)]
    first, *others = [replace(log, formats=(), files=(), lines=0) for log in found]
    assert first.events > 100 and not first.unparsed
    for other in others:
        assert other == first


@pytest.mark.real
@pytest.mark.parametrize("variant", VARIANTS)
def test_parts_add_up_to_the_whole(variant: str) -> None:
    version, given_settings = VARIANTS[variant]
    path = postgres_logs(version, settings=given_settings).stderr
    whole = read_logs([path])
    assert read_in_parts(expanded([path]), LogOptions(jobs=2), None, smallest=10_000) == whole


def test_runs_and_waits_go_on_from_part_to_part(written: Path) -> None:
    waiting = "process {} still waiting for ShareLock on transaction 5 after 1000.000 ms"
    acquired = "process {} acquired ShareLock on transaction 5 after 3000.000 ms"
    statement = "UPDATE t SET a = 1"
    text = ""
    for n in range(60):
        text += line(n, PARENT) + run(n + 0.001, 12 + n % 3) + run(n + 0.001, 9, "SELECT 1", pid=8)
        text += line(n + 0.5, waiting.format(9), 9) + line(n + 0.5, statement, 9, severity="STATEMENT")
        if n % 3:
            text += line(n + 0.9, acquired.format(9), 9) + line(n + 0.9, statement, 9, severity="STATEMENT")
    whole = read(written, text)
    for smallest in (700, 5000, 20_000):
        assert read_in_parts(expanded([written]), LogOptions(jobs=2), None, smallest) == whole
    repeats = whole.digests["select * from item where id = ?"].repeats
    assert (repeats.runs, repeats.longest) == (60, 14)
    waits = whole.digests["update t set a = ?"]
    assert (waits.lock_waits, waits.lock_wait_micros) == (60, 40 * 3_000_000 + 20 * 1_000_000)


def test_a_statement_logged_before_its_duration_is_the_same_in_parts(written: Path) -> None:
    text = "".join(
        line(n / 10, f"statement: SELECT {n}") + line(n / 10 + 0.01, "duration: 0.250 ms") for n in range(400)
    )
    whole = read(written, text)
    assert (whole.events, whole.micros) == (400, 400 * 250)
    assert read_in_parts(expanded([written]), LogOptions(jobs=2), None, 900) == whole


def test_what_is_a_run_of_n_plus_one(written: Path) -> None:
    child = "select * from item where id = ?"

    def repeats(text: str) -> int:
        return read(written, text).digests[child].repeats.runs

    assert repeats(line(0, PARENT) + run(0.001, 5)) == 1
    assert repeats(line(0, PARENT) + run(0.001, 4)) == 0
    assert repeats(run(0.001, 50)) == 0  # nothing led to it
    assert repeats(line(0, PARENT) + run(0.001, 50, "SELECT * FROM item WHERE id = 5")) == 0  # always the same values
    assert repeats(line(0, PARENT, pid=8) + run(0.001, 50)) == 0  # another connection
    slow = "".join(run(n * 10, 1).replace("id = 0", f"id = {n}") for n in range(50))
    assert repeats(line(0, PARENT) + slow) == 0  # somebody who looks every ten seconds
    mixed = "".join(run(n / 1000, 1) + run(n / 1000, 1, "SELECT 1", pid=8) for n in range(20)).replace(
        "id = 0", "id = {}"
    )
    assert repeats(line(0, PARENT) + mixed.format(*range(20))) == 1


def test_counts_by_session_and_minute(written: Path) -> None:
    text = run(0, 3) + line(61, "duration: 2.000 ms  statement: SELECT * FROM item WHERE id = 99", user="bob")
    digest = read(written, text).digests["select * from item where id = ?"]
    assert digest.users == {"ann": 3, "bob": 1} and digest.databases == {"shop": 4}
    assert sorted(digest.over_time.counts.values()) == [1, 3] and sum(digest.over_time.micros.values()) == 2300
    assert digest.worst is not None and digest.worst.text == "SELECT * FROM item WHERE id = ?"
    assert digest.worst.session.user == "bob" and digest.values == 4
    assert digest.first is not None and digest.last is not None and digest.last - digest.first == pytest.approx(61)


def test_only_what_is_asked_for(written: Path) -> None:
    text = run(0, 3) + run(100, 2) + line(200, PARENT, user="bob")
    start = read(written, text).first
    assert start is not None
    late = read(written, text, LogOptions(since=start + 50, until=start + 150))
    assert (late.events, late.filtered) == (2, 4)
    bob = read(written, text, LogOptions(users=frozenset({"bob"})))
    assert (bob.events, bob.filtered, len(bob.digests)) == (1, 5, 1)


def test_parameters_are_kept_only_on_request(written: Path) -> None:
    text = line(0, "duration: 5.000 ms  execute <unnamed>: SELECT * FROM u WHERE name = $1 AND x = $2")
    text += line(0, "Parameters: $1 = 'it''s', $2 = NULL", severity="DETAIL")
    (digest,) = read(written, text).digests.values()
    assert digest.worst is not None and digest.worst.parameters == () and digest.prepared == 1
    (digest,) = read(written, text, LogOptions(keep_literals=True)).digests.values()
    assert digest.worst is not None and digest.worst.parameters == ("it's", None)


def test_errors_go_to_their_statement_or_to_the_log(written: Path) -> None:
    statement = "SELECT * FROM item WHERE id = 3"
    text = run(0, 2) + line(1, "canceling statement due to statement timeout", severity="ERROR")
    text += line(1, statement, severity="STATEMENT") + line(2, 'invalid input "12"', severity="ERROR")
    log = read(written, text)
    assert log.digests["select * from item where id = ?"].errors == {"canceling statement due to statement timeout": 1}
    assert log.errors == {"invalid input ?": 1} and log.events == 2


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_logs_are_unpacked_whatever_their_name(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    (tmp_path / "log").write_bytes(pack(run(0, 30).encode()))
    assert read_logs([tmp_path / "log"]).events == 30


def test_packed_data_that_ends_too_soon(tmp_path: Path) -> None:
    import random

    noise = random.Random(1)
    text = "".join(run(n, 5, f"SELECT {noise.random()} + {{}}") for n in range(600))
    packed = gzip.compress(text.encode())
    (tmp_path / "log.gz").write_bytes(packed[: len(packed) // 2])
    log = read_logs([tmp_path / "log.gz"])
    assert 0 < log.events < 3000 and "ends in the middle" in log.remarks[0]


def test_folders_patterns_and_streams(tmp_path: Path) -> None:
    for number, name in enumerate(("app.log.10", "app.log.2", "app.log")):
        (tmp_path / name).write_text(run(number * 100, number + 1))
    (tmp_path / "notes.txt").write_text("bought milk\n" * 20)
    (tmp_path / "picture").write_bytes(bytes(range(256)) * 50)
    folder = read_logs([tmp_path])
    assert folder.events == 6 and len(folder.remarks) == 2
    names = [Path(name).name for name, _ in folder.files if "app" in name]
    assert names == ["app.log.10", "app.log.2", "app.log"]
    assert read_logs([f"{tmp_path}/app.log*", tmp_path / "app.log"]).events == 6
    assert read_logs(["-"], stdin=io.BytesIO(run(0, 4).encode())).events == 4


def test_several_files_of_several_formats_in_several_processes(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(line(0, PARENT) + run(0.001, 3))
    (tmp_path / "b.log").write_text(run(0.005, 40) + line(1, PARENT))
    (tmp_path / "c.gz").write_bytes(gzip.compress((run(1.001, 7) + run(2, 500, pid=9)).encode()))
    slow = "# Time: 2026-03-01T13:00:00.000000Z\n# User@Host: ann[ann] @ h []  Id:     8\n"
    slow += "# Query_time: 0.000300  Lock_time: 0.000000 Rows_sent: 1  Rows_examined: 9\nSET timestamp=1772370000;\nSELECT 5;\n"
    (tmp_path / "d.log").write_text(slow * 3)
    one = read_logs([tmp_path])
    assert set(one.formats) == {"postgres-stderr", "mysql-slow"} and one.events == 1 + 3 + 40 + 1 + 7 + 500 + 3
    repeats = one.digests["select * from item where id = ?"].repeats
    assert (repeats.runs, repeats.longest) == (2, 43)  # the first goes on from file to file
    assert read_logs([tmp_path], LogOptions(jobs=2)) == one
    assert read_in_parts(expanded([tmp_path]), LogOptions(jobs=2), None, smallest=1000) == one


@pytest.mark.parametrize("content", [b"\x7fELF" + bytes(range(256)) * 100, b"nothing that a server writes\n" * 50])
def test_files_that_are_no_logs(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(PerfkitError):
        read_logs([tmp_path / "x"])


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for word in (tmp_path / "none", tmp_path / "none*", tmp_path / "empty"):
        with pytest.raises(PerfkitError):
            read_logs([word])
    (tmp_path / "log").touch()
    assert read_logs([tmp_path / "log"]).events == 0


def test_a_prefix_that_does_not_fit_is_refused_with_the_one_that_does(written: Path) -> None:
    with pytest.raises(PerfkitError) as refused:
        read(written, run(0, 20), LogOptions(format="postgres-stderr", prefix="%t|%u|"))
    assert "%m [%p]" in refused.value.hint


@pytest.mark.parametrize(
    "setting",
    [
        "%m [%p] ",
        "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
        "%t:%r:%u@%d:[%p]:",
        "%m [%p] %q%u@%d ",
        "%n %p %c %u@%d %x %v ",
        "user=%u db=%d %m pid=%p ",
        "%m|%u|%d|%a|%h|%p|",
        "[%m] [%p] app=%a ",
        "%-10u %5p %t ",
    ],
)
def test_prefixes_are_read_when_given_and_worked_out(setting: str, written: Path) -> None:
    fields = {
        "m": "2026-03-01 12:00:{:02}.123 CET",
        "t": "2026-03-01 12:00:{:02} CET",
        "n": "1772362{:03}.123",
        "p": "4711",
        "l": "{}",
        "u": "ann",
        "d": "shop",
        "a": "my app",
        "h": "10.0.0.1",
        "r": "10.0.0.1(5432)",
        "c": "65a1b2c3.1267",
        "x": "0",
        "v": "3/{}",
    }
    import re

    def one(number: int) -> str:
        prefix = re.sub(
            r"%(-?\d*)([a-zA-Z])",
            lambda found: "" if found[2] == "q" else padded(fields[found[2]].format(number), found[1]),
            setting,
        )
        return f"{prefix}LOG:  duration: 1.500 ms  statement: SELECT {number},\n\t2\n"

    def padded(value: str, width: str) -> str:
        return value if not width else value.ljust(-int(width)) if width[0] == "-" else value.rjust(int(width))

    text = "".join(one(number) for number in range(10, 50))
    log = read(written, text, LogOptions(format="postgres-stderr", prefix=setting))
    assert (log.events, log.micros, log.unparsed) == (40, 40 * 1500, 0)
    (digest,) = log.digests.values()
    assert (dict(digest.users) == {"ann": 40}) is ("%u" in setting or "%-10u" in setting)
    assert digest.first is not None and digest.first > 1_772_000_000
    if "%-10u" not in setting:
        guessed = worked_out(text.encode())
        assert guessed is not None and re.compile(compiled(guessed).plain).match(text.encode())
        assert read_logs([written]).events == 40


def test_a_zone_that_nobody_knows_is_said(written: Path) -> None:
    assert not read(written, run(0, 5).replace("UTC", "CET")).remarks
    log = read(written, run(0, 5).replace("UTC", "XYZT"))
    assert log.first == read(written, run(0, 5)).first and "XYZT" in log.remarks[0]


def test_odd_bytes(written: Path) -> None:
    clean = run(0, 10)
    digest = read(written, clean).digests
    crlf = clean.replace("\n", "\r\n").encode()
    assert read(written, crlf).digests == digest
    assert read(written, b"\0" * 5000 + clean.encode()).digests == digest  # copytruncate under an open file
    latin = clean.replace("item", "ítem").encode("latin-1")
    assert read(written, latin).events == 10
    assert read(written, clean.encode() + b"2026-03-01 12:00:59.000 UTC [7] ann@shop LOG:  durat").events == 10
    broken = read(written, clean + "no record at all\n" * 5 + clean)
    assert (broken.events, broken.unparsed, len(broken.examples)) == (20, 5, 3)
    backwards = "".join(reversed(clean.splitlines(keepends=True)))
    assert read(written, backwards).micros == 1000


def test_a_line_without_end_is_cut(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from perfkit.collectors.sqllog import blocks

    monkeypatch.setattr(blocks, "BLOCK", 1 << 16)
    monkeypatch.setattr(blocks, "LONGEST", 1 << 18)
    monkeypatch.setattr(blocks, "KEPT", 1 << 12)
    huge = line(1, "duration: 3.000 ms  statement: INSERT INTO t VALUES ('" + "x" * (1 << 20) + "')")
    log = read(written, run(0, 10) + huge + run(2, 10))
    assert (log.events, log.micros) == (21, 20 * 100 + 3000)
    assert "1 records" in log.remarks[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.integers(0, 2000))
def test_any_bytes_in_a_log_are_no_reason_to_fail(tmp_path: Path, noise: bytes, at: int) -> None:
    clean = run(0, 20).encode()
    reader = FORMAT.reader(clean, None)
    spoiled = clean[: at % len(clean)] + noise + clean[at % len(clean) :]
    end = reader.cut(spoiled, False)
    first, rest = reader.read(spoiled[:end]), reader.read(spoiled[end:])
    assert len(first.texts) + len(rest.texts) + len(reader.finish().texts) <= 21


def test_a_followed_log_survives_rotation(written: Path) -> None:
    written.write_text(run(0, 3))
    steps = iter(
        [
            lambda: _append(written, run(1, 2)),
            lambda: (written.rename(f"{written}.1"), written.write_text(run(2, 4))),
            lambda: written.write_text(run(3, 1)),  # copytruncate
            lambda: _append(written, run(4, 1)),
        ]
    )

    def wait() -> bool:
        step = next(steps, None)
        if step is not None:
            step()
        return step is not None

    seen = [log.events for log in follow_log(written, LogOptions(), wait)]
    assert seen[-1] == 11 and seen == sorted(seen)


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)
