"""Every server: its routes are counted as clients do, the planted copy is the first cause, workers are seen one by one."""

from __future__ import annotations

import sys

import pytest

from every_day import first
from perfkit_command import Here
from servers_under_load import APPS, Measured, measure, module

pytestmark = [pytest.mark.real, pytest.mark.alone]

GUNICORN = ("gunicorn", "flask_shop:app", "--log-level=warning")
UVICORN = ("uvicorn", "fastapi_shop:app", "--log-level=warning")
SERVERS = {
    "gunicorn sync": (*GUNICORN, "--workers=2", "--bind=127.0.0.1:{port}"),
    "uvicorn two workers": (*UVICORN, "--workers=2", "--port={port}"),
    "uvicorn uvloop": (*UVICORN, "--loop=uvloop", "--port={port}"),
    "gunicorn gthread preload": (*GUNICORN, "--threads=4", "--preload", "--bind=127.0.0.1:{port}"),
    "flask run": ("flask", "--app=flask_shop", "run", "--port={port}"),
    "uvicorn asyncio": (*UVICORN, "--loop=asyncio", "--port={port}"),
}


@pytest.mark.parametrize("name", first(3, SERVERS))
def test_server(name: str, here: Here, port: int) -> None:
    words = [word.format(port=port) for word in SERVERS[name]]
    _expect_the_copy(here, port, *module(*words))


def test_workers_are_each_visible(here: Here, port: int) -> None:
    measured = measure(here, port, *module(*GUNICORN, "--workers=2", f"--bind=127.0.0.1:{port}"))
    sampled = [process for process in measured.report["run"]["processes"] if process["samples"]]
    assert len(sampled) == 3  # the master and its workers
    assert len({process["pid"] for process in sampled}) == 3


def test_django_runserver_behind_its_reloader(here: Here, port: int) -> None:
    _expect_the_copy(here, port, sys.executable, str(APPS / "manage.py"), "runserver", str(port), cause_share=0.0)


def test_aiohttp(here: Here, port: int) -> None:
    _expect_the_copy(here, port, sys.executable, str(APPS / "aiohttp_shop.py"), str(port))


@pytest.mark.parametrize("name", first(1, ["uvicorn asyncio", "gunicorn sync"]))
def test_handlers_stand_for_endpoints_without_the_probe(name: str, here: Here, port: int) -> None:
    words = [word.format(port=port) for word in SERVERS[name]]
    measured = measure(here, port, *module(*words), options=("--no-probe",))
    measured.check()
    assert not measured.requests("probe")
    assert "prices" in measured.handlers()
    assert measured.handlers() & {"total", "get"}
    _is_the_copy(measured, 0.1)


def _expect_the_copy(here: Here, port: int, *command: str, cause_share: float = 0.1) -> None:
    measured = measure(here, port, *command)
    measured.check()
    inside, outside = measured.requests("probe"), measured.requests("load")
    assert set(inside) == {"GET /prices", "GET /total"}
    for route, counted in inside.items():
        # Those under way at both ends of the measurement are on one side only.
        assert counted == pytest.approx(outside[route], abs=10)
    assert not measured.handlers()
    _is_the_copy(measured, cause_share)


def _is_the_copy(measured: Measured, cause_share: float) -> None:
    cause = measured.first_cause()
    assert cause["rule"] == "deepcopy-cost"
    assert cause["where"]["function"] == "prices"
    assert cause["where"]["origin"] == "app"
    assert cause["inside"]["file"].endswith("copy.py")
    assert cause["cost"]["share"] > cause_share
    assert cause["cost"]["per_request"] > 0
    loaded = [e for e in measured.report["endpoints"] if e["source"] == "load"]
    assert {e["endpoint"] for e in loaded} == {"GET /prices", "GET /total"}
    assert all(e["requests"] > 5 and e["p50"] <= e["p95"] <= e["p99"] for e in loaded)


def test_endpoints_can_be_left_out(here: Here, port: int) -> None:
    command = module(*GUNICORN, f"--bind=127.0.0.1:{port}")
    assert set(measure(here, port, *command, options=("--exclude=/total",)).requests("probe")) == {"GET /prices"}
