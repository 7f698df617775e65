"""`perfkit sql --dask` as people call it, with a real cluster beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from perfkit_command import Here

_LINE = "2026-11-21 10:{minute:02}:00.000 UTC [7] LOG:  duration: {ms}.000 ms  statement: SELECT * FROM orders WHERE id = {ms}\n"


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=":0", silence_logs=60
    ) as found:
        yield found.scheduler_address


@pytest.fixture
def logs(here: Here) -> Path:
    """Two files of 30 executions each; 1830 ms in all."""
    folder = here.folder / "logs"
    folder.mkdir()
    for name, begin in (("shop.log.1", 0), ("shop.log", 30)):
        lines = [_LINE.format(minute=n % 60, ms=n + 1) for n in range(begin, begin + 30)]
        (folder / name).write_text("".join(lines))
    return folder


def test_the_report_is_that_of_one_machine(here: Here, scheduler: str, logs: Path) -> None:
    found = []
    for words in ([str(logs)], ["--dask", scheduler, f"file://{logs}/shop.log*"], ["--dask", scheduler, "logs"]):
        ended = here("sql", "-f", "json", *words)
        assert ended.code == 0, ended.err
        assert "60 executions of 1 statement" in ended.err
        found.append(json.loads(ended.out))
    alone, *by_cluster = found
    for one in by_cluster:
        assert one["queries"] == alone["queries"] and one["queries"][0]["seconds"]["total"] == 1.83
        assert [(finding["rule"], finding["key"]) for finding in one["findings"]] == [
            (finding["rule"], finding["key"]) for finding in alone["findings"]
        ]


def test_failures_are_two_lines(here: Here, scheduler: str, logs: Path) -> None:
    for words, code, message in (
        ([f"file://{logs}/none.log"], 2, f"error: the workers see no file://{logs}/none.log."),
        (["-"], 2, "error: a Dask cluster reads no stream."),
        (["--follow", "logs/shop.log"], 2, "error: a Dask cluster reads no stream."),
        (["--jobs", "2", "logs"], 2, "error: --jobs are processes of this machine."),
    ):
        ended = here("sql", "-q", "--dask", scheduler, *words)
        assert (ended.code, ended.out) == (code, b"")
        first, second = ended.err.splitlines()
        assert first == message and second.startswith("  try: ")
    assert not here.recordings


def test_without_the_option_nothing_of_it_is_imported(here: Here, logs: Path) -> None:
    code = (
        "import sys; from perfkit.cli import run_app\n"
        "try: run_app(['sql', '-q', sys.argv[1]])\n"
        "finally: print(*{'distributed', 'dask', 'fsspec', 'tornado'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(logs)], cwd=here.folder, capture_output=True, text=True, check=True
    )
    assert "select * from orders" in done.stdout and not done.stderr.strip()
