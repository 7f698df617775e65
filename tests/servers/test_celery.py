"""A celery worker with forked children on a real broker: tasks are the endpoints."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from perfkit_command import Here, clean_environment, kill_all
from servers_under_load import APPS, Measured, module

pytestmark = pytest.mark.real


@pytest.fixture
def broker(port: int, requires) -> Iterator[str]:  # type: ignore[no-untyped-def]
    words = [requires("redis-server"), "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    redis = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    redis.terminate()
    redis.wait()


def test_tasks_are_endpoints(here: Here, port: int, broker: str) -> None:
    feed = f"{sys.executable} {APPS / 'celery_shop.py'} 500"
    worker = module("celery", "--app=celery_shop", "worker", "--concurrency=2", "--loglevel=error")
    options = ("-q", f"--ready={port}", f"--while={feed}", f"--project={APPS}")
    ended = here.run(*worker, options=options, PYTHONPATH=str(APPS), SHOP_BROKER=broker, C_FORCE_ROOT="1")
    assert ended.code == 0, ended.err
    measured = Measured(here.report())
    measured.check()
    assert measured.requests("probe") == {"celery_shop.prices": 500, "celery_shop.total": 500}
    assert measured.first_cause()["where"]["function"] == "prices"
    assert len([process for process in measured.report["run"]["processes"] if process["samples"]]) >= 3


def test_tasks_of_a_worker_that_runs_already(here: Here, port: int, broker: str) -> None:
    """Its tasks are set up once, when it starts."""
    environment = clean_environment(PYTHONPATH=str(APPS), SHOP_BROKER=broker, C_FORCE_ROOT="1")
    words = module("celery", "--app=celery_shop", "worker", "--concurrency=2", "--loglevel=error")
    worker = subprocess.Popen(words, cwd=here.folder, env=environment)
    try:
        feed = [sys.executable, str(APPS / "celery_shop.py"), "500"]
        subprocess.run(feed, cwd=here.folder, env=environment, timeout=60, check=True)
        command = f"sleep 3; {' '.join(feed)}"
        options = ("-q", "--sql", "--yes", f"--project={APPS}", f"--while={command}")
        ended = here("attach", str(worker.pid), *options, SHOP_BROKER=broker, PYTHONPATH=environment["PYTHONPATH"])
        assert ended.code == 0, ended.err
        measured = Measured(here.report())
        assert measured.requests("probe") == {"celery_shop.prices": 500, "celery_shop.total": 500}
        assert measured.first_cause()["where"]["function"] == "prices"
    finally:
        kill_all(worker.pid)
        worker.wait()
