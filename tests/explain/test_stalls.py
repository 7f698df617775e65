"""A network that stands still in the middle: there is an end to the waiting, and what was planned before it stays."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread
from time import monotonic

import pytest

from databases import Database
from perfkit.explain import ExplainOptions, Statement, explain_all
from perfkit.model.plan import NotPlanned, Plan

pytestmark = pytest.mark.real


class Proxy:
    """Hands bytes on in both directions until it is `stalled`; then it swallows what the server answers and keeps all open."""

    def __init__(self, port: int) -> None:
        self.stalled = Event()
        self._port = port
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._listening, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._open += [near, far]
                Thread(target=self._hand_on, args=(near, far), daemon=True).start()
                Thread(target=self._hand_on, args=(far, near), daemon=True).start()

    def _hand_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if not self.stalled.is_set():
                    other.sendall(data)


@pytest.fixture(params=["postgres", "mariadb"])
def stalling(request: pytest.FixtureRequest) -> Iterator[tuple[Database, Proxy]]:
    database: Database = request.getfixturevalue(request.param)
    proxy = Proxy(database.port)
    yield replace(database, port=proxy.port), proxy
    proxy.close()


@pytest.mark.parametrize("text", ["SELECT 1 AS a FROM (SELECT 2 AS b) s", "SELECT 1 WHERE 1 = %s"])
def test_the_waiting_ends_and_what_was_planned_stays(
    stalling: tuple[Database, Proxy], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    for module in ("postgres", "mysql"):
        monkeypatch.setattr(f"perfkit.explain.{module}.GRACE", 0.5)
    database, proxy = stalling

    def statements() -> Iterator[Statement]:
        yield Statement("SELECT 1", "a")
        proxy.stalled.set()
        yield Statement(text, "b")
        yield Statement("SELECT 2", "c")

    began = monotonic()
    first, second, third = explain_all(statements(), database.dsn, ExplainOptions(statement_timeout=0.5))
    assert monotonic() - began < 30
    assert isinstance(first, Plan) and first.fingerprint == "a"
    for answer, fingerprint in ((second, "b"), (third, "c")):
        assert isinstance(answer, NotPlanned) and answer.fingerprint == fingerprint
        assert "no answer for 1 seconds" in answer.why


def test_a_plan_stays_when_the_server_goes_before_its_tables_are_looked_up(postgres: Database) -> None:
    """The plan is made; what is known of its tables is asked afterwards."""
    import psycopg

    from perfkit.explain import connect
    from perfkit.explain.interface import ServerGone

    fresh = postgres.fresh()
    with psycopg.connect(fresh.dsn, autocommit=True) as admin:
        admin.execute("CREATE TABLE book (id int)")
    explainer = connect(fresh.dsn)
    explainer.table = _gone(ServerGone)  # type: ignore[method-assign]
    plan = explainer.explain(Statement("SELECT * FROM book"))
    explainer.close()
    assert isinstance(plan, Plan) and plan.root.relation == "book" and plan.tables == {}


def _gone(error: type[Exception]) -> object:
    def table(name: str, schema: str | None = None) -> None:
        raise error("it is gone")

    return table
