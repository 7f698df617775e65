"""What is planted in a server's heap is named by place and by bytes, in one list, and nothing else is."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from perfkit_command import PROGRAMS, Here

pytestmark = pytest.mark.alone

SOURCE = PROGRAMS / "heap_server.py"


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(SOURCE.read_text().splitlines(), 1) if line.strip().startswith(text))


def measured(here: Here, *paths: str, seconds: int, workers: int = 1, **environment: str) -> dict[str, dict[str, Any]]:
    shutil.copy(SOURCE, here.folder / "heaps.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    load = [f"--load=http://{address}{path}" for path in paths]
    server = [sys.executable, "-m", "gunicorn", "--no-control-socket", f"-b{address}", f"-w{workers}", "heaps:app"]
    ended = here.run(*server, options=("-q", "--memory", f"-d{seconds}", "--concurrency=2", *load), **environment)
    assert ended.code == 0, ended.err
    found = here.report()["memory"]["findings"]
    by_rule = {finding["rule"]: finding for finding in found}
    assert len(by_rule) == len(found), [finding["title"] for finding in found]
    return by_rule


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells of pages")
def test_cycles_and_what_stays_of_two_peaks(here: Here) -> None:
    found = measured(here, "/buffers", "/rows-made-anew", "/steady", seconds=13, PEAKS="1")
    assert set(found) == {"reference-cycles", "fragmentation", "kept-by-malloc"}
    cycles, loose, kept = (found[rule] for rule in ("reference-cycles", "fragmentation", "kept-by-malloc"))
    assert "heaps.Buffer" in cycles["title"]
    assert (cycles["where"]["file"], cycles["where"]["line"]) == ("heaps.py", line_of("class Buffer") + 1)
    assert 16e6 < cycles["bytes"] < 60e6
    assert 64e6 < loose["bytes"] < 160e6
    assert 64e6 < kept["bytes"] < 250e6
    assert {finding["where"] and finding["where"]["file"] for finding in found.values()} <= {"heaps.py", None}


def test_workers_that_load_one_table_each(here: Here) -> None:
    found = measured(here, "/steady", seconds=4, workers=3, TABLE="1")
    assert set(found) == {"preload", "heavy-import"}
    table, workers = found["heavy-import"], found["preload"]
    assert (table["where"]["file"], table["where"]["line"]) == ("heaps.py", line_of("CITIES = "))
    assert 24e6 < table["bytes"] < 80e6
    # Two of three copies; the third is the table's own.
    assert 1.8 * table["bytes"] < workers["bytes"] < 4 * table["bytes"]
