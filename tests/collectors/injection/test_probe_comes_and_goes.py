"""`perfkit attach --sql` again and again: no request fails, every process is afterwards as it was, and does not grow. And killed
at random moments: the probe leaves by itself.

A few times here; `nox -s attaches` makes fifty visits and a hundred kills of each kind of target."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from comes_and_goes import Visits, growth, note
from injected import ATTACHES, KINDS, LONGEST, Program, Run, found
from served import Load, serving

from every_day import first
from perfkit.collectors.wishes import write_wish
from perfkit.pipeline.collecting import PROBE_FOLDER
from perfkit_command import clean_environment, kill_all
from servers_under_load import APPS

pytestmark = pytest.mark.real
CLIENTS = 4
# Bytes by which a process may be larger after the last visit than after half of them. Each visit is a new thread, for which
# malloc may take another of its arenas (2.6 MB, as many as eight a processor); a copy of the probe at each would be 2 MB a visit.
_NOISE, _A_VISIT = 8 << 20, 64 << 10
_WITHIN = 10.0  # seconds for the probe to see that perfkit is gone (2 s), and for a busy machine to let it
SERVERS = {
    "gunicorn sync": (2, "gunicorn", "--no-control-socket", "-w2", "-b127.0.0.1:0", "late_shop:flask_app"),
    "gunicorn gthread": (
        1,
        "gunicorn",
        "--no-control-socket",
        "-w1",
        "-kgthread",
        "--threads=4",
        "-b127.0.0.1:0",
        "late_shop:flask_app",
    ),
    "uvicorn": (0, "uvicorn", "--no-access-log", "--port=0", "late_shop:api"),
}
PROGRAMS = ("sleeps", "asyncio", "burns", "allocates", "serves")
_SERVES = """
import sqlite3, threading, time
from wsgiref.simple_server import WSGIServer, WSGIRequestHandler
from socketserver import ThreadingMixIn
def rows(environ, start_response):
    connection = sqlite3.connect(":memory:")
    connection.execute("create table item (id integer primary key, price integer)")
    connection.executemany("insert into item values (?, ?)", [(n, n * 3) for n in range(30)])
    prices = [connection.execute("select price from item where id = ?", (n,)).fetchone()[0] for n in range(30)]
    connection.close()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(sum(prices)).encode()]
class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
class Quiet(WSGIRequestHandler):
    def log_message(self, *words):
        pass
server = Server(("127.0.0.1", 0), Quiet)
server.set_app(rows)
print(server.server_port, flush=True)
thread = threading.Thread(target=server.serve_forever)
thread.start()
while not over():
    time.sleep(0.02)
server.shutdown()
thread.join()
server.server_close()
"""
_TASKS = """
import os, sqlite3, sys
from celery import Celery
app = Celery("tasks", broker=os.environ["SHOP_BROKER"], backend=os.environ["SHOP_BROKER"])
@app.task
def price(number):
    connection = sqlite3.connect(":memory:")
    found = [connection.execute("select ? * 3", (number,)).fetchone()[0] for _ in range(10)]
    connection.close()
    return found[-1]
if __name__ == "__main__":
    number = 0
    while not os.path.exists("over"):
        number += 1
        assert price.delay(number).get(timeout=60) == number * 3
    print(number)
"""


@pytest.fixture(autouse=True)
def asked_for() -> None:
    """A few of each are made in every run of the suite."""


@pytest.fixture(params=("3.9", "3.11", "3.14"))
def few_pythons(request: pytest.FixtureRequest) -> str:
    return found(request.param)


@contextmanager
def program(run: Run, python: str, kind: str) -> Iterator[tuple[Program, Load]]:
    """One that runs, and clients of it where it serves."""
    started = run(python, _SERVES if kind == "serves" else KINDS[kind])
    url = ""
    if kind == "serves":
        assert started.process.stdout
        url = f"http://127.0.0.1:{int(started.process.stdout.readline())}/rows"
    with Load(url, CLIENTS if url else 0) as load:
        load.more()
        yield started, load
        load.more()
    assert load.failures == []
    assert set(load.answers) <= {b"1305"}
    started.finish()


@contextmanager
def server(folder: Path, name: str) -> Iterator[tuple[Visits, Load]]:
    shutil.copy(APPS / "late_shop.py", folder)
    workers, *words = SERVERS[name]
    with serving(folder, [str(word) for word in words]) as (popen, url):
        with Load(f"{url}/rows", CLIENTS) as load:
            load.more()
            yield Visits(folder, popen.pid, workers=int(workers)), load
            load.more()
        assert load.failures == []
        assert len({answer.strip(b'"') for answer in load.answers}) == 1
        assert popen.poll() is None


def come_and_go(name: str, visits: Visits, *, requests: bool) -> None:
    """Memory is looked at after each visit."""
    figures = [visits.memory()]
    for turn in range(ATTACHES):
        # Some leave a thread, or heap figures, to be taken out as well.
        visits.visit(*(["--memory"] if turn % 5 == 4 else []), requests=requests)
        figures.append(visits.memory())
    note(name, visits=ATTACHES, memory=[[size >> 10 for size in sizes] for sizes in figures])
    assert growth(figures) < _NOISE + _A_VISIT * ATTACHES, figures


def be_killed(name: str, visits: Visits, *, requests: bool) -> None:
    chance = random.Random(7)
    for _ in range(2 * ATTACHES):
        perfkit = visits.start("-d30")
        time.sleep(chance.random() * 2.5)
        perfkit.send_signal(signal.SIGKILL)
        perfkit.communicate()
        visits.is_as_before(within=_WITHIN)
    visits.visit(requests=requests)
    note(name, kills=2 * ATTACHES, slowest=round(visits.slowest, 2))


@pytest.mark.parametrize("kind", first(1, PROGRAMS))
def test_programs(run: Run, tmp_path: Path, few_pythons: str, kind: str) -> None:
    with program(run, few_pythons, kind) as (started, _):
        come_and_go(f"{few_pythons} {kind}", Visits(tmp_path, started.pid), requests=kind == "serves")


@pytest.mark.parametrize("kind", first(1, PROGRAMS))
def test_programs_when_perfkit_is_killed(run: Run, tmp_path: Path, kind: str) -> None:
    with program(run, sys.executable, kind) as (started, _):
        be_killed(kind, Visits(tmp_path, started.pid), requests=kind == "serves")


@pytest.mark.parametrize("name", first(1, SERVERS))
def test_servers(tmp_path: Path, name: str) -> None:
    with server(tmp_path, name) as (visits, _):
        come_and_go(name, visits, requests=True)


@pytest.mark.parametrize("name", first(1, SERVERS))
def test_servers_when_perfkit_is_killed(tmp_path: Path, name: str) -> None:
    with server(tmp_path, name) as (visits, _):
        be_killed(name, visits, requests=True)


def test_its_thread_may_be_quicker_than_who_started_it(tmp_path: Path) -> None:
    write_wish(tmp_path, "attach", probe=True, project=(), literals=False, memory=False)
    script = f"""
import sys, time
sys.path.append({PROBE_FOLDER!r})
from perfkit_probe import attached, zoom_watch
genuine = zoom_watch._start_thread
def slow(*words):
    genuine(*words)
    time.sleep(0.2)
zoom_watch._start_thread = slow
attached.begin({str(tmp_path)!r})
time.sleep(0.5)
print(attached._began)
"""
    elsewhere = tmp_path / "cwd"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=elsewhere, capture_output=True, text=True, timeout=LONGEST
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert list(elsewhere.iterdir()) == []


@pytest.fixture
def celery(tmp_path: Path, requires) -> Iterator[Visits]:  # type: ignore[no-untyped-def]
    """A worker with two children, and a client that compares every result."""
    socket = tmp_path / "redis"
    redis = subprocess.Popen(
        [requires("redis-server"), "--port", "0", "--unixsocket", socket, "--save", ""], stdout=subprocess.DEVNULL
    )
    (tmp_path / "tasks.py").write_text(_TASKS)
    environment = clean_environment(SHOP_BROKER=f"redis+socket://{socket}", C_FORCE_ROOT="1")
    worker = client = None
    try:
        words = [sys.executable, "-m", "celery", "--app=tasks", "worker", "--concurrency=2", "--loglevel=error"]
        worker = subprocess.Popen(words, cwd=tmp_path, env=environment)
        client = subprocess.Popen(
            [sys.executable, "tasks.py"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        yield Visits(tmp_path, worker.pid, workers=2)
        (tmp_path / "over").touch()
        out, err = client.communicate(timeout=LONGEST)
        assert (client.returncode, err) == (0, b"")
        assert int(out) > ATTACHES
        assert worker.poll() is None
    finally:
        for popen in filter(None, (client, worker, redis)):
            kill_all(popen.pid)
            popen.wait()


@pytest.mark.long
def test_celery(celery: Visits) -> None:
    come_and_go("celery", celery, requests=True)


@pytest.mark.long
def test_celery_when_perfkit_is_killed(celery: Visits) -> None:
    be_killed("celery", celery, requests=True)
