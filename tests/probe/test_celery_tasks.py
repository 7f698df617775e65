"""Each execution of a celery task is a request, in every pool, whether its process says goodbye or not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from environments import NEW, OLD, OLDER, Environment
from perfkit_command import kill_all
from probe_spool import Spooled, environment_for, read_spool

pytestmark = pytest.mark.real
APPS = Path(__file__).parent / "apps"
LONGEST = 60
BETWEEN = Environment("3.12", ("celery[redis]==5.4.0", "kombu==5.4.2"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import shutil
    import socket

    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    redis = subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=tmp_path_factory.mktemp("redis"))
    yield f"redis://127.0.0.1:{port}/0"
    redis.terminate()
    redis.wait()


def _worked(python: str, folder: Path, broker: str, *pool: str) -> tuple[str, list[Spooled]]:
    """What the feeder printed, and what a worker with this pool left when its processes were killed."""
    spool = folder / "spool"
    spool.mkdir(mode=0o700)
    site = {"SITE_BROKER": broker, "C_FORCE_ROOT": "1"}
    watched = {**environment_for(spool, APPS), **site}
    words = [python, "-m", "celery", "--app=celery_site", "worker", "--loglevel=error", "--without-gossip", *pool]
    worker = subprocess.Popen(words, env=watched, cwd=APPS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        feeder = subprocess.run(
            [python, "celery_site.py"],
            env={**os.environ, **site},
            cwd=APPS,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert feeder.returncode == 0, feeder.stderr
        _until(lambda: _total(read_spool(spool)) >= _EXPECTED.total())
    finally:
        kill_all(worker.pid)
        worker.wait()
        assert worker.stdout is not None
        said = worker.stdout.read()
        worker.stdout.close()
    processes = read_spool(spool)
    assert not [process.gaps for process in processes if process.gaps], said
    return feeder.stdout, processes


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + LONGEST
    while not done() and time.monotonic() < until:
        time.sleep(0.05)


def _total(processes: list[Spooled]) -> int:
    return sum(len(process.requests) for process in processes)


_EXPECTED: Counter[tuple[str, int]] = Counter(
    {
        ("celery_site.add", 200): 21,
        ("celery_site.custom", 200): 1,
        ("celery_site.outer", 200): 1,
        ("celery_site.again", 503): 2,
        ("celery_site.again", 200): 1,
        ("celery_site.ignored", 200): 1,
        ("celery_site.rejected", 500): 1,
        ("celery_site.fails", 500): 1,
    }
)
_PRINTED = f"{list(range(1, 21))}\nx 3\n2\nKeyError('nothing')\n0\n"


def _outcomes(processes: list[Spooled]) -> Counter[tuple[str, int]]:
    return Counter((process.endpoint(request), request.status) for process in processes for request in process.requests)


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "solo"])
def test_every_pool(tmp_path: Path, broker: str, pool: str) -> None:
    printed, processes = _worked(sys.executable, tmp_path, broker, f"--pool={pool}", "--concurrency=2")
    assert printed == _PRINTED
    assert _outcomes(processes) == _EXPECTED
    requests = [request for process in processes for request in process.requests]
    assert {request.kind for request in requests} == {"task"}
    working = [process for process in processes if process.requests]
    assert (len(working) >= 1 and len(processes) >= 3) if pool == "prefork" else len(working) == 1


@pytest.mark.parametrize("libraries", [OLDER, OLD, BETWEEN, NEW], ids=["older", "old", "between", "new"])
def test_every_version(
    tmp_path: Path, broker: str, environment: Callable[[Environment], Path], libraries: Environment
) -> None:
    printed, processes = _worked(str(environment(libraries)), tmp_path, broker, "--concurrency=2")
    assert printed == _PRINTED
    assert _outcomes(processes) == _EXPECTED


def test_eager_tasks_outside_of_anything(tmp_path: Path, broker: str) -> None:
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    environment = {**environment_for(spool, APPS), "SITE_BROKER": broker}
    words = [sys.executable, "celery_site.py", "eager"]
    done = subprocess.run(words, env=environment, cwd=APPS, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3 x\n<class 'KeyError'>\nKeyError('nothing')\n"
    assert _outcomes(read_spool(spool)) == {
        ("celery_site.add", 200): 1,
        ("celery_site.custom", 200): 1,
        ("celery_site.fails", 500): 2,
    }


def test_a_child_that_is_killed_has_told_what_it_did(tmp_path: Path, broker: str) -> None:
    printed, processes = _worked(sys.executable, tmp_path, broker, "--concurrency=2", "--max-tasks-per-child=8")
    assert printed == _PRINTED
    assert _outcomes(processes) == _EXPECTED
    assert max(len(process.requests) for process in processes) <= 8
