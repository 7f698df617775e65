"""`perfkit sql` and `perfkit merge` as people call them: on logs that real servers wrote, and on what is no log."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import shutil
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

import sql_logs
from perfkit_command import CONSOLE_SCRIPT, Here, Terminal

SECRET = "hunter2-of-the-logs"
_LINE = "2026-11-21 10:00:0{second}.000 UTC [7] LOG:  duration: {ms} ms  statement: SELECT * FROM orders WHERE name = '{value}'\n"


@pytest.fixture
def small(here: Here) -> Path:
    """Nine executions of one statement, 45 ms in all, with a secret among its values."""
    path = here.folder / "small.log"
    lines = [_LINE.format(second=n, ms=f"{n}.000", value=SECRET if n == 9 else f"name {n}") for n in range(1, 10)]
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="module")
def postgres() -> sql_logs.PostgresLogs:
    return sql_logs.postgres_logs()


def document(here: Here, *words: str) -> dict[str, Any]:
    ended = here("sql", "-q", "-f", "json", *words)
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


def counted(found: dict[str, Any]) -> dict[str, tuple[int, float]]:
    return {query["fingerprint"]: (query["count"], query["seconds"]["total"]) for query in found["queries"]}


@pytest.mark.real
def test_a_real_log_in_three_formats_gives_one_digest(here: Here, postgres: sql_logs.PostgresLogs) -> None:
    assert postgres.jsonlog is not None
    found = [document(here, str(path)) for path in (postgres.stderr, postgres.csvlog, postgres.jsonlog)]
    assert [one["log"]["format"] for one in found] == ["postgres-stderr", "postgres-csv", "postgres-json"]
    assert counted(found[0]) == counted(found[1]) == counted(found[2])
    rules = [[finding["key"] for finding in one["findings"]] for one in found]
    assert rules[0] == rules[1] == rules[2]
    assert any(query["n_plus_one"] for query in found[0]["queries"])


@pytest.mark.real
def test_jobs_change_nothing_but_the_time(here: Here, postgres: sql_logs.PostgresLogs) -> None:
    one, two = (document(here, str(postgres.stderr), "--jobs", jobs) for jobs in ("1", "2"))
    assert (one["log"], one["queries"]) == (two["log"], two["queries"])


@pytest.mark.real
def test_mariadbs_own_count(here: Here) -> None:
    log = sql_logs.mariadb_slow_log()
    found = document(here, str(log.slow))
    assert found["log"]["events"] == log.slow_queries
    assert found["log"]["system"] == "mariadb"
    assert all(query["rows"]["examined"] is not None for query in found["queries"])


def test_the_report_of_a_small_log(here: Here, small: Path) -> None:
    ended = here("sql", str(small))
    assert ended.code == 0
    assert "9 executions of 1 statement" in ended.err
    assert "select * from orders where name = ?" in ended.text
    found = here.report()
    assert (found["run"]["mode"], found["run"]["kind"]) == ("sql", "log")
    assert found["accounting"]["measured"] == 0.045
    assert (found["log"]["first"], found["log"]["last"]) == (
        "2026-11-21T10:00:01.000+00:00",
        "2026-11-21T10:00:09.000+00:00",
    )


def test_values_without_quotes_stay_there_as_well(here: Here) -> None:
    said = ("SET app.token = Hunter2x", "EXECUTE stm('Hunter2x')")
    lines = [
        f"2026-11-21 10:00:0{n}.000 UTC [7] LOG:  duration: 5.000 ms  statement: {text}\n"
        for n, text in enumerate(said)
    ]
    lines += [
        "2026-11-21 10:00:05.000 UTC [7] ERROR:  duplicate key value: Key (mail)=(Hunter2x) exists\n",
        "2026-11-21 10:00:05.000 UTC [7] STATEMENT:  INSERT INTO t VALUES ('Hunter2x')\n",
        "what is this with token=Hunter2x and 'Hunter2x'?\n",
    ]
    (here.folder / "odd.log").write_text("".join(lines))
    ended = here("sql", "odd.log", "-f", "json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["log"]["events"] == 2
    html = here.recordings[0].with_suffix(".html").read_text()
    for text in (ended.text, ended.err, html, here.recordings[0].read_bytes().decode("latin-1")):
        assert "hunter2x" not in text.lower()


def test_values_stay_in_the_log(here: Here, small: Path) -> None:
    here("sql", str(small), "--save-digest", "small.digest")
    for path in [*here.recordings, here.recordings[0].with_suffix(".html"), here.folder / "small.digest"]:
        data = path.read_bytes()
        assert SECRET.encode() not in (gzip.decompress(data) if path.suffix == ".digest" else data)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = document(here, str(small), "--keep-literals")
    assert SECRET in kept["queries"][0]["sample"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, bytes])
def test_packed_logs_and_stdin(here: Here, small: Path, pack: Any) -> None:
    packed = here.folder / "packed.log.1"
    packed.write_bytes(pack(small.read_bytes()))
    assert counted(document(here, str(packed))) == counted(document(here, str(small)))
    ended = here("sql", "-q", "-f", "json", "-", stdin=small.read_bytes())
    assert counted(json.loads(ended.out)) == counted(document(here, str(small)))


def test_digests_merge_to_what_one_reading_gives(here: Here, small: Path) -> None:
    text = small.read_text().splitlines(keepends=True)
    for name, part in (("a", text[:4]), ("b", text[4:])):
        (here.folder / f"{name}.log").write_text("".join(part))
        assert here("sql", "-q", f"{name}.log", "--save-digest", f"{name}.digest").code == 0
    merged = json.loads(here("merge", "-q", "a.digest", "b.digest", "-f", "json").out)
    whole = document(here, str(small))
    assert merged["queries"] == whole["queries"]
    assert {**merged["log"], "files": []} == {**whole["log"], "files": []}


def test_a_part_of_the_time(here: Here, small: Path) -> None:
    found = document(here, str(small), "--since", "2026-11-21T10:00:03Z", "--until", "2026-11-21T10:00:06Z")
    assert (found["log"]["events"], found["log"]["filtered"]) == (3, 6)


def test_a_filter_that_leaves_nothing_out_changes_nothing(here: Here) -> None:
    """Parse and bind are in the reader's time and of his sessions too."""
    prefix = "2026-11-21 10:00:01.000 UTC [7] web@shop LOG:  duration: "
    steps = ("0.500 ms  parse <unnamed>", "0.300 ms  bind <unnamed>", "0.200 ms  execute <unnamed>")
    (here.folder / "steps.log").write_text(
        "".join(f"{prefix}{step}: SELECT 1 FROM t WHERE id = $1\n" for step in steps) * 50
    )
    whole = document(here, "steps.log", "--prefix", "%m [%p] %u@%d ")
    for flag in (("--user", "web"), ("--database", "shop"), ("--since", "2026-01-01")):
        found = document(here, "steps.log", "--prefix", "%m [%p] %u@%d ", *flag)
        assert found["accounting"]["measured"] == whole["accounting"]["measured"] == 0.05
    assert document(here, "steps.log", "--prefix", "%m [%p] %u@%d ", "--user", "x")["accounting"]["measured"] == 0


def test_a_digest_never_takes_the_place_of_another_file(here: Here, small: Path) -> None:
    (here.folder / "notes.txt").write_text("mine")
    assert "is no digest" in here("sql", "small.log", "--save-digest", "notes.txt").error(125)
    assert (here.folder / "notes.txt").read_text() == "mine"


def test_top_and_sort(here: Here, small: Path) -> None:
    with small.open("a") as file:
        file.writelines(
            f"2026-11-21 10:00:10.000 UTC [7] LOG:  duration: 0.500 ms  statement: SELECT {n} FROM item\n"
            for n in range(50)
        )
    by_total, by_count = (document(here, str(small), "--sort", sort)["queries"] for sort in ("total", "count"))
    assert [query["count"] for query in by_total] == [9, 50]
    assert [query["count"] for query in by_count] == [50, 9]
    assert len(document(here, str(small), "--top", "1")["queries"]) == 1


def test_follow_reports_on_ctrl_c(here: Here, small: Path) -> None:
    terminal = Terminal([str(CONSOLE_SCRIPT), "sql", str(small), "--follow"], here.folder)
    terminal.read_until(" 9 executions")
    with small.open("a") as file:
        file.write(_LINE.format(second=9, ms="7.000", value="late"))
    terminal.read_until("10 executions")
    os.kill(terminal.pid, signal.SIGINT)
    terminal.read_until("Report +")
    assert here.report()["log"]["events"] == 10


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.log", b"", "holds no statement"),
        ("binary.log", bytes(range(256)) * 100, "binary.log"),
        ("prose.log", b"It was a dark and stormy night.\n" * 50, "prose.log"),
    ],
)
def test_what_is_no_log(here: Here, name: str, content: bytes, said: str) -> None:
    (here.folder / name).write_bytes(content)
    ended = here("sql", name)
    assert "Traceback" not in ended.err
    if ended.code:
        assert said in ended.error(ended.code)
    else:
        assert said in ended.text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "no log was named"),
        (["missing.log"], None, "missing.log"),
        (["small.log", "--log-format", "oracle"], 2, "there is no log format named 'oracle'"),
        (["small.log", "--since", "yesterday"], 2, "--since yesterday is no time"),
        (["small.log", "--sort", "size"], 2, "--sort size is not known"),
        (["small.log", "--top", "0"], 2, "--top 0 is too small"),
        (["small.log", "--jobs", "0"], 2, "--jobs 0 is too small"),
        (["small.log", "--prefix", "%z nonsense"], None, "prefix"),
        (["-", "--follow"], 2, "--follow reads one file"),
        (["small.log", "-o", "x.html"], 2, "x.html would be the recording"),
        (["small.log", "-f", "pdf"], 2, "there is no report format named 'pdf'"),
    ],
)
def test_mistakes(here: Here, small: Path, words: list[str], code: int | None, said: str) -> None:
    ended = here("sql", *words)
    assert ended.code != 0
    assert said in ended.error(ended.code if code is None else code)
    assert here.recordings == []


def test_a_log_of_another_time_is_not_put_beside_a_run(here: Here, small: Path) -> None:
    older = Path(__file__).parents[1] / "recordings/older/format-2-run.perfkit.gz"
    (here.folder / "run.perfkit").write_bytes(gzip.decompress(older.read_bytes()))
    before = (here.folder / "run.perfkit").read_bytes()
    ended = here("sql", str(small), "-o", "run.perfkit")
    assert "of different times" in ended.error(ended.code)
    assert (here.folder / "run.perfkit").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": "perfkit.digest/9"}', b"\x1f\x8bgarbage", b"\xff" * 99])
def test_a_digest_that_is_none(here: Here, content: bytes) -> None:
    (here.folder / "bad.digest").write_bytes(content)
    ended = here("merge", "bad.digest")
    assert "bad.digest" in ended.error(ended.code)


def test_rotated_logs_of_a_folder(here: Here, small: Path) -> None:
    folder = here.folder / "logs"
    folder.mkdir()
    lines = small.read_text().splitlines(keepends=True)
    (folder / "server.log").write_text("".join(lines[6:]))
    (folder / "server.log.1").write_text("".join(lines[3:6]))
    (folder / "server.log.2.gz").write_bytes(gzip.compress("".join(lines[:3]).encode()))
    assert counted(document(here, "logs")) == counted(document(here, str(small)))
    shutil.rmtree(folder)
