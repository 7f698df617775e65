"""SQLAlchemy's echo: what a real SQLAlchemy writes, alone and behind the prefixes of formatters."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.collectors.sqllog.sqlalchemy_echo import FORMAT, REMARK

PROGRAM = """
import logging, sys
from sqlalchemy import Integer, String, create_engine, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
layout = sys.argv[1]
if layout != "echo":
    logging.basicConfig(level=logging.INFO, format=layout, stream=sys.stdout)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
engine = create_engine("sqlite://", echo=layout == "echo")
class Base(DeclarativeBase):
    pass
class User(Base):
    __tablename__ = "user"
    id = mapped_column(Integer, primary_key=True)
    name = mapped_column(String)
Base.metadata.create_all(engine)
with Session(engine) as session:
    for number in range(3):
        session.get(User, number)
    session.execute(select(User).where(User.name == "it's\\n2023 INFO sqlalchemy.engine.Engine SELECT 1")).all()
    session.execute(text("select 1 --\\n, 2\\n\\n")).all()
if layout != "echo":
    logging.getLogger("app").warning("hello (1,)")
tracked = engine.execution_options(logging_token="track1")
with tracked.connect() as connection:
    connection.execute(select(User.id).where(User.id.in_([1, 2, 3])))
    connection.execute(insert(User), [{"name": "x"}, {"name": "y"}])
"""
FORMATS = (
    "echo",
    "%(asctime)s %(levelname)s %(name)s %(message)s",
    "%(levelname)s:%(name)s:%(message)s",
    "[%(asctime)s] %(levelname)s [%(name)s:%(lineno)s] %(message)s",
)
SELECT = b"SELECT user.id, user.name \nFROM user \nWHERE user."
EXPECTED = [
    (b"BEGIN", None),
    (b'PRAGMA main.table_info("user")', b"()"),
    (b'PRAGMA temp.table_info("user")', b"()"),
    (b"CREATE TABLE user (\n\tid INTEGER NOT NULL, \n\tname VARCHAR, \n\tPRIMARY KEY (id)\n)", b"()"),
    (b"COMMIT", None),
    (b"BEGIN", None),
    (SELECT + b"id = ?", b"(0,)"),
    (SELECT + b"id = ?", b"(1,)"),
    (SELECT + b"id = ?", b"(2,)"),
    (SELECT + b"name = ?", b'("it\'s\\n2023 INFO sqlalchemy.engine.Engine SELECT 1",)'),
    (b"select 1 --\n, 2", b"()"),
    (b"ROLLBACK", None),
    (b"BEGIN", None),
    (b"SELECT user.id \nFROM user \nWHERE user.id IN (?, ?, ?)", b"(1, 2, 3)"),
    (b"INSERT INTO user (name) VALUES (?)", b"[('x',), ('y',)]"),
    (b"ROLLBACK", None),
]
OLD = b"""2019-01-01 10:00:00,123 INFO sqlalchemy.engine.base.Engine SELECT `users`.id
FROM `users`
WHERE `users`.id = %(id)s
2019-01-01 10:00:00,124 INFO sqlalchemy.engine.base.Engine {'id': 1}
2019-01-01 10:00:00,125 INFO sqlalchemy.engine.base.Engine COMMIT
"""


def read(log: bytes, size: int = 1 << 20) -> tuple[Any, list[tuple[bytes, bytes | None]], list[bytes], list[Any]]:
    """The reader, (text, parameters) of each event, raw times, and unparsed lines with their examples."""
    reader: Any = FORMAT.reader(log[:65536], None)
    rest, found, times, unparsed = b"", [], [], []
    for at in range(0, len(log), size):
        block = rest + log[at : at + size]
        end = reader.cut(block, at + size >= len(log))
        events, rest = reader.read(block[:end]), block[end:]
        found += [(text, events.parameters.get(number)) for number, text in enumerate(events.texts)]
        times += events.times
        unparsed += [events.unparsed, *events.examples]
        assert events.micros == [0] * len(events.texts)
        assert len(events.sessions) == len(events.times) == len(events.texts)
    assert not rest
    return reader, found, times, [piece for piece in unparsed if piece]


@cache
def written(layout: str) -> bytes:
    return subprocess.run([sys.executable, "-c", PROGRAM, layout], capture_output=True, check=True).stdout


@pytest.mark.real
@pytest.mark.parametrize("size", [97, 1 << 20])
@pytest.mark.parametrize("layout", FORMATS)
def test_what_sqlalchemy_writes(layout: str, size: int) -> None:
    log = written(layout)
    assert FORMAT.fits(log) > 0.9
    reader, found, times, unparsed = read(log, size)
    assert found == EXPECTED
    assert reader.remarks[0] == REMARK
    assert len(unparsed) == (0 if layout == "echo" else 2)  # the application's line, and itself as an example
    assert reader.system == "sqlite"
    if layout == "echo" or "asctime" in layout:
        assert all(reader.epoch(piece) and reader.epoch(reader.minute(piece)) for piece in times)


def test_sqlalchemy_1_3() -> None:
    reader, found, times, unparsed = read(OLD)
    assert found == [(b"SELECT `users`.id\nFROM `users`\nWHERE `users`.id = %(id)s", b"{'id': 1}"), (b"COMMIT", None)]
    assert (reader.system, unparsed, reader.epoch(times[0])) == ("mysql", [], 1546336800.123)


def test_a_token_tells_connections_apart() -> None:
    log = b"INFO sqlalchemy.engine.Engine [a] select 1\nINFO sqlalchemy.engine.Engine [a] [raw sql] ()\n"
    reader: Any = FORMAT.reader(log + log.replace(b"[a] ", b""), None)
    events = reader.read(log + log.replace(b"[a]", b"[b]"))
    assert list(map(reader.identity, events.sessions)) == [b"a", b"b"]


def test_other_logs_do_not_fit() -> None:
    for other in (b"", b"SELECT 1\n", b"sqlalchemy.engine", b"\x00\xff\n"):
        assert FORMAT.fits(other) == 0


ECHO = b"""2023-01-01 10:00:00,123 INFO sqlalchemy.engine.Engine SELECT 1
2023-01-01 10:00:00,124 INFO sqlalchemy.engine.Engine [generated in 0.00012s] (1,)
"""
PIECES = st.sampled_from(
    [*ECHO.splitlines(keepends=True), b"[", b"] ", b"sqlalchemy.engine", b"\n", b"'", b"\xe2", b"\x00"]
)


@given(st.lists(PIECES | st.binary(max_size=10), max_size=40), st.integers(1, 200), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_log_makes_it_fail(pieces: list[bytes], size: int, known: bool) -> None:
    log = ECHO * known + b"".join(pieces)
    read(log, size)
    assert 0 <= FORMAT.fits(log) <= 1


@pytest.mark.parametrize(
    "repeated", [b"sqlalchemy.engine", b"[generated in ", b"\n2023-01-01 ", b"\n", b"[a] ", b"sqlalchemy.engine "]
)
@pytest.mark.parametrize("begin", [b"", ECHO, ECHO[:70]])
def test_twice_the_log_takes_about_twice_the_time(repeated: bytes, begin: bytes) -> None:
    def seconds(count: int) -> float:
        log = begin + repeated * count
        started = time.process_time()
        reader: Any = FORMAT.reader(log[:65536], None)
        reader.read(log[: reader.cut(log, False)])
        reader.read(log)
        return time.process_time() - started

    count = 40_000 // len(repeated)
    assert min(seconds(4 * count) for _ in range(2)) < 12 * min(seconds(count) for _ in range(3)) + 0.05
