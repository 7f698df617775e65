"""Logs read by a real Dask cluster of two worker processes: the same SqlLog as here, and what can go wrong between machines."""

from __future__ import annotations

import gzip
import json
import random
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import LocalCluster

import perfkit
from perfkit.collectors.sqllog import dask_cluster
from perfkit.collectors.sqllog.on_dask import read_on_dask
from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.reading import read_logs
from perfkit.collectors.sqllog.remote import Unreachable, asked, shown
from perfkit.errors import PerfkitError
from perfkit.model.sqllog import SqlLog
from perfkit.pipeline import digest_on_dask
from sql_logs import PLANS, STATEMENT_THEN_DURATION, mariadb_slow_log, postgres_logs

WAITING = "process 9 still waiting for ShareLock on transaction 5 after 1000.000 ms"
ACQUIRED = "process 9 acquired ShareLock on transaction 5 after 3000.000 ms"


def line(second: float, text: str, pid: int = 7, severity: str = "LOG") -> str:
    minute, left = divmod(second, 60)
    return f"2026-03-01 {12 + int(minute) // 60}:{int(minute) % 60:02}:{left:06.3f} UTC [{pid}] ann@shop {severity}:  {text}\n"


def a_log(rounds: int, begin: float = 0.0) -> str:
    """In each round five connections run a loop of 40 statements, in turns; another waits for a lock until a later round."""
    pieces = []
    for at in range(rounds):
        start = begin + at * 2.0
        pieces += [
            line(start, "duration: 1.500 ms  statement: SELECT * FROM parent WHERE x = 'a'", pid) for pid in range(5)
        ]
        for n in range(40):
            text = f"duration: 0.{100 + n} ms  statement: SELECT * FROM item WHERE id = {at * 40 + n}"
            pieces += [line(start + 0.01 + n / 1000, text, pid) for pid in range(5)]
        if at % 4 == 0:
            pieces += [line(start + 0.5, WAITING, 9), line(start + 0.5, "UPDATE t SET a = 1", 9, "STATEMENT")]
        if at % 8 == 3:
            pieces += [line(start + 0.5, ACQUIRED, 9), line(start + 0.5, "UPDATE t SET a = 1", 9, "STATEMENT")]
        if at % 5 == 0:
            pieces.append(line(start + 0.6, f'relation "t{at % 3}" does not exist', severity="ERROR"))
            pieces.append(line(start + 0.6, f"SELECT * FROM t{at % 3}", severity="STATEMENT"))
    return "".join(pieces)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with a_cluster(n_workers=2) as found:
        yield found


@contextmanager
def a_cluster(**settings: Any) -> Iterator[LocalCluster]:
    with LocalCluster(
        processes=True, threads_per_worker=1, dashboard_address=":0", silence_logs=60, **settings
    ) as found:
        yield found


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "postgresql.log"
    path.write_text(a_log(200))
    return path


def unnamed(log: SqlLog) -> SqlLog:
    return replace(log, files=tuple(("", size) for _, size in log.files))


def refused(words: list[str], scheduler: str, options: LogOptions | None = None) -> PerfkitError:
    with pytest.raises(PerfkitError) as caught:
        read_on_dask(words, scheduler, options)
    assert caught.value.hint and "\n" not in caught.value.message
    return caught.value


def test_parts_of_two_workers_add_up_to_the_whole(cluster: LocalCluster, large: Path) -> None:
    whole = read_logs([large])
    repeats = whole.digests["select * from item where id = ?"].repeats
    assert (repeats.runs, repeats.longest) == (1000, 40)
    assert whole.digests["update t set a = ?"].lock_waits == 50 and whole.errors
    size = large.stat().st_size
    for smallest in (size // 3, 50_001):
        told: list[tuple[int, int | None, int, tuple[int, int]]] = []

        def hear(*news: Any, into: list[Any] = told) -> None:
            into.append(news)

        found = read_on_dask([str(large)], cluster.scheduler_address, None, hear, smallest=smallest)
        assert found == whole
        done, all_bytes, lines, (tasks_done, tasks) = told[-1]
        assert (done, all_bytes, lines, tasks_done) == (size, size, whole.lines, tasks)
        assert tasks >= 3


def test_options_reach_the_workers(cluster: LocalCluster, large: Path) -> None:
    options = LogOptions(since=1772366520.0, users=frozenset({"ann"}), keep_literals=True)
    whole = read_logs([large], options)
    assert whole.filtered and whole.events
    assert read_on_dask([str(large)], cluster.scheduler_address, options, smallest=100_000) == whole


@pytest.fixture
def rotated(tmp_path: Path) -> Path:
    """Three files, of which the oldest is packed, a hidden one, one that is no log, and one that is empty."""
    folder = tmp_path / "logs with a space"
    folder.mkdir()
    (folder / "shop.log.2.gz").write_bytes(gzip.compress(a_log(20).encode()))
    (folder / "shop.log.1").write_text(a_log(20, 40.0))
    (folder / "shop.log").write_text(a_log(20, 80.0))
    (folder / ".hidden").write_text(a_log(20, 120.0))
    (folder / "picture").write_bytes(random.Random(5).randbytes(5000))
    (folder / "new.log").write_bytes(b"")
    return folder


@pytest.mark.parametrize("pattern", ["shop.log*", "*/shop.log*"])
def test_patterns_and_urls(cluster: LocalCluster, rotated: Path, pattern: str) -> None:
    folder = rotated.parent if "/" in pattern else rotated
    here = read_logs([str(folder / pattern)])
    assert [Path(name).name for name, _ in here.files] == ["shop.log.2.gz", "shop.log.1", "shop.log"]
    there = partial(read_on_dask, scheduler=cluster.scheduler_address, smallest=50_000)
    assert there([str(folder / pattern)]) == here
    by_url = there([f"file://{folder / pattern}", f"file://{rotated}/shop.log.1", str(rotated / "shop.log")])
    assert unnamed(by_url) == unnamed(here)
    assert by_url.files[0][0] == f"file://{rotated}/shop.log.2.gz"


def test_folders_and_names_from_here(cluster: LocalCluster, rotated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(rotated.parent)
    for word in (rotated.name, str(rotated), f"{rotated.name}/shop.log*"):
        assert read_on_dask([word], cluster.scheduler_address) == read_logs([word])
    whole = read_logs([rotated])
    assert len(whole.remarks) == 2
    assert unnamed(read_on_dask([f"file://{rotated}"], cluster.scheduler_address)).digests == whole.digests


def test_a_format_that_needs_all_of_a_file(cluster: LocalCluster, tmp_path: Path) -> None:
    """Durations that belong to statements long before them: one task reads the file, its neighbours are read in parts."""
    apart = "".join(
        line(n / 10, f"statement: SELECT {n}") + line(n / 10 + 0.01, "duration: 0.250 ms") for n in range(400)
    )
    (tmp_path / "a.log").write_text(a_log(5))
    (tmp_path / "b.log").write_text(apart.replace(" 12:", " 13:"))
    (tmp_path / "c.log").write_text(a_log(5, 7200.0))
    whole = read_logs([tmp_path])
    assert whole.digests["select ?"].time.count == 400
    assert read_on_dask([str(tmp_path)], cluster.scheduler_address, smallest=2000) == whole


@pytest.mark.real
@pytest.mark.parametrize("variant", [{}, PLANS, STATEMENT_THEN_DURATION])
def test_logs_of_real_servers(cluster: LocalCluster, variant: dict[str, str]) -> None:
    logs = postgres_logs("18", settings=variant)
    for path in (logs.stderr, logs.csvlog, logs.jsonlog, mariadb_slow_log().slow):
        assert path is not None
        assert read_on_dask([str(path)], cluster.scheduler_address, smallest=10_000) == read_logs([path])


class _Files(SimpleHTTPRequestHandler):
    """Gives parts of files where it is asked for them, or, as the standard library's own, the whole each time."""

    parts = True

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        if not self.parts or not asked.startswith("bytes="):
            super().do_GET()
            return
        first, last = map(int, asked.removeprefix("bytes=").split("-"))
        data = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{min(last, len(data) - 1)}/{len(data)}")
        self.send_header("Content-Length", str(len(data[first : last + 1])))
        self.end_headers()
        self.copyfile(BytesIO(data[first : last + 1]), self.wfile)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _WholeFiles(_Files):
    parts = False


@contextmanager
def served(folder: Path, handler: type[_Files]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("handler", "tasks"), [(_Files, 8), (_WholeFiles, 2)])
def test_web_servers(cluster: LocalCluster, rotated: Path, handler: type[_Files], tasks: int) -> None:
    pytest.importorskip("aiohttp")
    here = read_logs([rotated / "shop.log.2.gz", rotated / "shop.log"])
    told: list[tuple[int, int]] = []
    with served(rotated, handler) as url:
        found = read_on_dask(
            [f"{url}/shop.log?key=secret", f"{url}/shop.log.2.gz"],
            cluster.scheduler_address,
            None,
            lambda *news: told.append(news[3]),
            smallest=(rotated / "shop.log").stat().st_size // 10,
        )
        assert unnamed(found) == unnamed(here)
        assert [name for name, _ in found.files] == [f"{url}/shop.log.2.gz", f"{url}/shop.log"]
        assert "the workers see no" in refused([f"{url}/nothing.log"], cluster.scheduler_address).message
    assert told[-1] == (tasks, tasks)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://ann:secret@logs.test/a.log?X-Signature=secret", "https://logs.test/a.log"),
        ("s3://bucket/a?.log", "s3://bucket/a?.log"),
        ("file:///var/log/a#b.log", "file:///var/log/a#b.log"),
        ("zip://*.log::https://ann:secret@logs.test/a.zip?key=secret", "zip://*.log::https://logs.test/a.zip"),
        ("/var/log/ann:x@y?z.log", "/var/log/ann:x@y?z.log"),
    ],
)
def test_keys_in_urls_are_not_shown(url: str, plain: str) -> None:
    assert shown(url) == plain


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("file:///no/such/server.log", "the workers see no file:///no/such/server.log."),
        ("/no/such/server.log", "the workers see no /no/such/server.log."),
        ("file:///no/such/*.log", "the workers see no file that matches file:///no/such/*.log."),
        ("nowhere://bucket/a.log", "no store is known for nowhere:// URLs."),
    ],
)
def test_what_is_not_there(cluster: LocalCluster, large: Path, word: str, message: str) -> None:
    assert refused([str(large), word], cluster.scheduler_address).message == message


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="s3fs is installed")
def test_a_store_whose_package_is_missing(cluster: LocalCluster) -> None:
    error = refused(["s3://bucket/*.log"], cluster.scheduler_address)
    assert (error.message, error.hint) == ("the workers cannot open s3:// URLs.", "pip install s3fs, on each worker")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError("Access Denied"), "the workers may not read s3://b/a.log."),
        (type("NoCredentialsError", (Exception,), {})("Unable to locate"), "the workers may not read s3://b/a.log."),
        (OSError("reset\nby peer"), "s3://b/a.log cannot be read: OSError: reset"),
    ],
)
def test_failures_of_stores(error: Exception, message: str) -> None:
    """What may be over when asked again is no PerfkitError: Dask then runs the task once more."""
    with pytest.raises((PerfkitError, Unreachable)) as caught, asked("s3://b/a.log"):
        raise error
    assert str(caught.value) == message
    if isinstance(caught.value, PerfkitError):
        assert "AWS_ACCESS_KEY_ID" in caught.value.hint
    else:
        assert isinstance(error, OSError) and not isinstance(error, PermissionError)


def test_what_is_no_log(cluster: LocalCluster, large: Path, rotated: Path) -> None:
    assert "is no text" in refused([str(rotated / "picture")], cluster.scheduler_address).message
    options = LogOptions(format="mysql-slow")
    assert "no log format fits" in refused([str(large)], cluster.scheduler_address, options).message


def test_schedulers_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "_CONNECTING", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert refused(["a.log"], f"tcp://127.0.0.1:{port}").message.startswith("no Dask scheduler answers at")
    assert refused(["a.log"], "nonsense://x").message.startswith("no Dask scheduler answers at nonsense://x")
    assert refused(["a.log"], str(tmp_path / "none.json")).message.startswith("there is no scheduler file")
    (tmp_path / "other.json").write_text("[1]")
    assert refused(["a.log"], str(tmp_path / "other.json")).message.endswith("is no scheduler file.")


def test_a_scheduler_file(cluster: LocalCluster, large: Path, tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"type": "Scheduler", "address": cluster.scheduler_address}))
    assert read_on_dask([str(large)], str(file)).events == read_logs([large]).events


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "perfkit.collectors.sqllog.dask_cluster")
    monkeypatch.delitem(sys.modules, "perfkit.collectors.sqllog.on_dask")
    with pytest.raises(PerfkitError, match="Dask, which is not installed") as caught:
        digest_on_dask([], "tcp://127.0.0.1:1", LogOptions())
    assert caught.value.hint == "pip install 'perfkit[dask]'"


OTHER_VERSION = "import perfkit\nperfkit.__version__ = '0.0.7'\n"
NO_PERFKIT = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "perfkit":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
"""
DIES = """
import os
import perfkit.collectors.sqllog.on_dask as on_dask
on_dask.read_part = lambda *values: os._exit(1)
"""


@pytest.mark.real
@pytest.mark.parametrize(
    ("preload", "message"),
    [
        (OTHER_VERSION, f"has perfkit 0.0.7, and this machine {perfkit.__version__}."),
        (NO_PERFKIT, "has no perfkit, or one that is too old."),
        (DIES, "workers died again and again while they read the same part."),
    ],
)
def test_workers_that_cannot(tmp_path: Path, large: Path, preload: str, message: str) -> None:
    module = tmp_path / "preloaded.py"
    module.write_text(preload)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        a_cluster(n_workers=1, preload=[str(module)]) as cluster,
    ):
        assert message in refused([str(large)], cluster.scheduler_address).message


@pytest.mark.real
def test_no_workers(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "PATIENCE", 0.1)
    monkeypatch.setattr(dask_cluster, "_LOOK", 0.1)
    with a_cluster(n_workers=0) as cluster:
        assert "has had no worker" in refused([str(large)], cluster.scheduler_address).message


@pytest.mark.real
def test_a_scheduler_that_goes_away(large: Path) -> None:
    with a_cluster(n_workers=1) as cluster:

        def close(*_: Any) -> None:
            cluster.close()

        with pytest.raises(PerfkitError, match="went away"):
            read_on_dask([str(large)], cluster.scheduler_address, None, close, smallest=50_000)


def test_tasks_end_with_who_asked_for_them(cluster: LocalCluster, large: Path) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_on_dask([str(large)], cluster.scheduler_address, None, interrupted, smallest=20_000)
    waiting = threading.Event()
    assert any(not cluster.scheduler.tasks or waiting.wait(0.05) for _ in range(200))
    assert read_on_dask([str(large)], cluster.scheduler_address) == read_logs([large])
