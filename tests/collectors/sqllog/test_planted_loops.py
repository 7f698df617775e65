"""Loops planted in the log of a busy application: all of them are found, and what only looks like one is not called so."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import perfkit

_BEGIN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_LINE = "{at:%Y-%m-%d %H:%M:%S}.{ms:03} UTC [{pid}] shop@shop LOG:  duration: {took:.3f} ms  statement: {text}\n"


class Application:
    """Eight connections that take requests in turns. `loops` counts what was planted."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clocks = {pid: _BEGIN + timedelta(milliseconds=pid) for pid in range(100, 108)}
        self.lines: list[tuple[datetime, str]] = []
        self.loops = 0

    def run(self, pid: int, text: str, took: float, pause: float) -> None:
        """`took` and `pause` in milliseconds; the pause comes before."""
        at = self.clocks[pid] + timedelta(milliseconds=pause + took)
        self.clocks[pid] = at
        line = _LINE.format(at=at, ms=at.microsecond // 1000, pid=pid, took=took, text=text)
        self.lines.append((at, line))

    def request(self, kinds: str) -> None:
        pid, kind = self.random.choice(list(self.clocks)), self.random.choice(kinds)
        between = self.random.uniform(15, 60)
        number = self.random.randrange(10_000)
        if kind == "u":
            self.run(pid, f"SELECT name FROM users WHERE id = {number}", 0.2, between)
        elif kind == "s":
            self.run(pid, f"SELECT id FROM product WHERE name LIKE 'a{number}%'", 3.0, between)
        elif kind == "o":
            self.run(pid, f"SELECT * FROM orders WHERE shop = {number} LIMIT 20", 1.0, between)
            for _ in range(20):
                self.run(pid, f"SELECT * FROM customer WHERE id = {self.random.randrange(10_000)}", 0.2, 0.4)
            self.loops += 1

    def log(self) -> Iterator[str]:
        return (line for _, line in sorted(self.lines))


def loops_named(app: Application, folder: Path) -> list[tuple[str, int]]:
    """Titles of the findings, and the runs behind them."""
    (folder / "server.log").write_text("".join(app.log()))
    perfkit.record_log(perfkit.digest([str(folder / "server.log")]), folder / "log.perfkit")
    found = perfkit.report(folder / "log.perfkit").findings
    return [(f.title, f.evidence[1].n or 0) for f in found if f.rule == "n-plus-one"]


def test_planted_loops_are_found_and_counted(tmp_path: Path) -> None:
    app = Application(1)
    for _ in range(1500):
        app.request("uuuso")
    [(title, runs)] = loops_named(app, tmp_path)
    assert title.startswith("N+1: customer is loaded once per row")
    # Two that follow one another in a connection, with nothing between, stay two: the parent is between them.
    assert runs == app.loops


def test_requests_of_one_statement_are_no_loop(tmp_path: Path) -> None:
    """Nine of ten requests look one user up: long runs of it stand in every connection."""
    app = Application(2)
    for _ in range(3000):
        app.request("uuuuuuuuus")
    assert app.loops == 0
    assert loops_named(app, tmp_path) == []
