"""django.db.backends at DEBUG: what a real Django writes behind the prefixes of many formatters."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.collectors.sqllog.django_debug import FORMAT
from perfkit.model.sqllog import Session

PROGRAM = """
import logging, sys
import django
from django.conf import settings
where = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
settings.configure(DATABASES={"default": where, "other": dict(where)}, DEBUG=True, LOGGING_CONFIG=None)
django.setup()
from django.db import connection, connections, models, transaction
class Book(models.Model):
    title = models.CharField(max_length=100)
    class Meta:
        app_label = "shelf"
for alias in ("default", "other"):
    connections[alias].force_debug_cursor = False
    with connections[alias].schema_editor() as editor:
        editor.create_model(Book)
logging.basicConfig(level=logging.DEBUG, format=sys.argv[1], stream=sys.stdout)
Book.objects.create(title="it's; args=(1)\\n(0.125) SELECT 'x'; alias=foo")
for number in range(3):
    list(Book.objects.filter(id=number, title__contains="100%"))
list(Book.objects.using("other").all()[:5])
logging.getLogger("app").info("GET / took (0.123) seconds")
with transaction.atomic():
    Book.objects.filter(id=1).update(title="2000")
with connection.cursor() as cursor:
    cursor.execute("SELECT 1 -- (0.001) SELECT\\n, 'ünï'\\n")
    cursor.executemany("INSERT INTO shelf_book (title) VALUES (%s)", [("a",), ("b",)])
"""
FORMATS = (
    "%(message)s",
    "%(asctime)s %(levelname)s %(name)s %(message)s",
    "%(levelname)s:%(name)s:%(message)s",
    "[%(asctime)s] %(levelname)s [%(name)s:%(lineno)s] %(message)s",
    "%(levelname)s %(asctime)s %(module)s %(process)d %(thread)d %(message)s",
    "%(name)s - %(message)s",
    "[%(levelname)s] %(threadName)s %(message)s",
)
EXPECTED = [
    b"INSERT INTO \"shelf_book\" (\"title\") VALUES ('it''s; args=(1)\n(0.125) SELECT ''x''; alias=foo')",
    b'SELECT "shelf_book"."id", "shelf_book"."title" FROM "shelf_book" WHERE',
    b'SELECT "shelf_book"."id", "shelf_book"."title" FROM "shelf_book" WHERE',
    b'SELECT "shelf_book"."id", "shelf_book"."title" FROM "shelf_book" WHERE',
    b'SELECT "shelf_book"."id", "shelf_book"."title" FROM "shelf_book" LIMIT 5',
    b"BEGIN",
    b'UPDATE "shelf_book" SET "title" = \'2000\' WHERE "shelf_book"."id" = 1',
    b"COMMIT",
    b"SELECT 1 -- (0.001) SELECT\n, '\xc3\xbcn\xc3\xaf'",
    b"INSERT INTO shelf_book (title) VALUES (%s)",
]
DJANGO_3 = b"(0.012) SELECT `a`.`id` FROM `a` WHERE `a`.`id` = 1; args=(1,)\n(1.500) SELECT\n  1; args=None\n"


def read(log: bytes, size: int = 1 << 20) -> tuple[Any, list[tuple[bytes, int, bytes, Session]], list[bytes]]:
    reader: Any = FORMAT.reader(log[:65536], None)
    rest, found, unparsed = b"", [], []
    for at in range(0, len(log), size):
        block = rest + log[at : at + size]
        end = reader.cut(block, at + size >= len(log))
        events, rest = reader.read(block[:end]), block[end:]
        found += zip(events.texts, events.micros, events.times, map(reader.session, events.sessions), strict=True)
        unparsed += [events.unparsed, *events.examples]
    assert not rest
    return reader, found, [piece for piece in [*unparsed, reader.finish().unparsed] if piece]


@cache
def written(layout: str) -> bytes:
    return subprocess.run([sys.executable, "-c", PROGRAM, layout], capture_output=True, check=True).stdout


@pytest.mark.real
@pytest.mark.parametrize("size", [97, 1 << 20])
@pytest.mark.parametrize("layout", FORMATS)
def test_what_django_writes(layout: str, size: int) -> None:
    log = written(layout)
    assert FORMAT.fits(log) > 0.8
    reader, found, unparsed = read(log, size)
    texts = [text for text, *_ in found]
    assert len(texts) == len(EXPECTED)
    assert all(text.startswith(begin) for text, begin in zip(texts, EXPECTED, strict=True))
    assert {session.database for *_, session in found} == {"default", "other"}
    assert len(unparsed) == 2  # one line, and itself as an example
    assert unparsed[1].endswith(b"seconds")
    if "asctime" in layout:
        assert all(reader.epoch(piece) and reader.epoch(reader.minute(piece)) for _, _, piece, _ in found)


def test_django_3_has_no_alias() -> None:
    reader, found, unparsed = read(DJANGO_3)
    assert [(text, micros) for text, micros, *_ in found] == [
        (b"SELECT `a`.`id` FROM `a` WHERE `a`.`id` = 1", 12_000),
        (b"SELECT\n  1", 1_500_000),
    ]
    assert (reader.system, unparsed) == ("mysql", [])


def test_the_server_of_development_has_times_of_its_own() -> None:
    line = b"[01/Jan/2024 09:05:01] DEBUG [django.db.backends:151] (0.001) SELECT 1; args=None; alias=default\n"
    reader, found, _ = read(line)
    assert reader.epoch(found[0][2]) == 1704099901.0
    assert reader.epoch(reader.minute(found[0][2])) == 1704099900.0


def test_a_statement_that_never_ends_is_no_execution() -> None:
    log = DJANGO_3 + b"(0.001) SELECT 'cut\n" + DJANGO_3
    _, found, unparsed = read(log)
    assert len(found) < 5
    _, found, unparsed = read(DJANGO_3 + b"(0.001) SELECT cut\n" + DJANGO_3)
    assert (len(found), unparsed) == (4, [1, b"SELECT cut"])


def test_other_logs_do_not_fit() -> None:
    for other in (b"", b"[0.001] SELECT 1\n", b"(0.001) SELECT 1\n", b"\x00\xff; args="):
        assert FORMAT.fits(other) == 0


PIECES = st.sampled_from(
    [*DJANGO_3.splitlines(keepends=True), b"; args=", b"(0.001) ", b"'", b"\n", b"; alias=x", b"\xe2"]
)


@given(st.lists(PIECES | st.binary(max_size=10), max_size=40), st.integers(1, 200), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_log_makes_it_fail(pieces: list[bytes], size: int, known: bool) -> None:
    log = DJANGO_3 * known + b"".join(pieces)
    read(log, size)
    assert 0 <= FORMAT.fits(log) <= 1


@pytest.mark.parametrize(
    "repeated", [b"; args=(", b"(0.001) ", b"\n(0.001) '", b"x\n", b"; args=()", b"'", b"; (params ", b"\n"]
)
@pytest.mark.parametrize("begin", [b"", DJANGO_3, DJANGO_3 + b"(0.001) SELECT '"])
def test_twice_the_log_takes_about_twice_the_time(repeated: bytes, begin: bytes) -> None:
    def seconds(count: int) -> float:
        log = begin + repeated * count
        started = time.process_time()
        reader: Any = FORMAT.reader(log[:65536], None)
        reader.read(log[: reader.cut(log, False)])
        return time.process_time() - started

    count = 40_000 // len(repeated)
    assert min(seconds(4 * count) for _ in range(2)) < 12 * min(seconds(count) for _ in range(3)) + 0.05
