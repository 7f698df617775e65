"""What the tests of real servers share: a server under perfkit's own load, and the questions that each report must answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from perfkit_command import Here

APPS = Path(__file__).parent / "servers" / "apps"


class Measured:
    """A report on a loaded server, with the questions that every server's test asks."""

    def __init__(self, report: dict[str, Any]) -> None:
        self.report = report

    def handlers(self) -> set[str]:
        """What stands for endpoints where no probe was."""
        endpoints = self.report["endpoints"]
        return {e["endpoint"].rpartition(".")[2] for e in endpoints if e["source"] == "samples"}

    def requests(self, source: str) -> dict[str, int]:
        """By endpoint: as the probe counted them, or as perfkit's own clients did."""
        return {e["endpoint"]: e["requests"] for e in self.report["endpoints"] if e["source"] == source}

    def first_cause(self) -> dict[str, Any]:
        return next(f for f in self.report["findings"] if f["severity"] != "info")

    def check(self) -> None:
        accounting = self.report["accounting"]
        assert self.report["run"]["kind"] == "server"
        assert accounting["unit"] == "request-seconds"
        assert accounting["measured"] > 0
        assert accounting["explained"] + accounting["unexplained"] == pytest.approx(accounting["measured"])
        assert sum(f["cost"]["seconds"] for f in self.report["findings"]) <= accounting["measured"] * 1.0001
        waiting = ("select", "wait", "accept", "_worker", "run_forever")
        hot = [f["where"]["function"] for f in self.report["findings"] if f["where"]]
        assert not [name for name in hot if name.rpartition(".")[2] in waiting]


def measure(here: Here, port: int, *command: str, options: tuple[str, ...] = (), **environment: str) -> Measured:
    """Run a server of `apps` under load on /prices and /total for a few seconds; it must end well."""
    load = (f"--load=http://127.0.0.1:{port}/prices", f"--load=http://127.0.0.1:{port}/total")
    measuring = ("-q", "--duration=4", "--warmup=0.5", f"--project={APPS}", *load, *options)
    ended = here.run(*command, options=measuring, PYTHONPATH=str(APPS), PYTHONUNBUFFERED="1", **environment)
    assert ended.code == 0, ended.err
    return Measured(here.report())


def module(*words: str) -> tuple[str, ...]:
    """A server started as `python -m`, by the interpreter of the tests."""
    return (sys.executable, "-m", *words)
