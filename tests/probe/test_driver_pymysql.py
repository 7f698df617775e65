"""PyMySQL and mysqlclient on a real MariaDB: each statement once, its rows, its line, and nothing different for the program."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driver_runs import counts, lines, rows, seen_in, where
from environments import LTS, NEW, OLD, OLDER, Environment, build

if TYPE_CHECKING:
    from databases import Database

PROGRAM = """
import inspect, json, sys
to = json.loads(sys.argv[1])
if sys.argv[2] == "pymysql as MySQLdb":
    import pymysql
    pymysql.install_as_MySQLdb()
if sys.argv[2] == "pymysql":
    import pymysql as module, pymysql.cursors as cursors
else:
    import MySQLdb as module
    cursors = __import__("MySQLdb.cursors").cursors  # with PyMySQL: its file a second time
said = []
words = dict(host=to["host"], port=to["port"], user=to["user"], password=to["password"], database=to["name"])
connection = module.connect(init_command="SET @a = 1", **words)
said.append(isinstance(connection, module.connections.Connection))
cursor = connection.cursor()
said.append(cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))"))
said.append(cursor.executemany("INSERT INTO t VALUES (%s, %s)", [(n, "n%d" % n) for n in range(50)]))
said.append(cursor.executemany("UPDATE t SET name = %s WHERE id = %s", [("x", 1), ("y", 2)]))
said.append(cursor.executemany("INSERT INTO t VALUES (%s, %s)", []))
connection.commit()

def one(cursor, n):
    cursor.execute("SELECT name FROM t WHERE id = %s", (n,))
    return cursor.fetchone()

said.append([one(cursor, n) for n in range(6)])
said.append(cursor.execute("SELECT * FROM t ORDER BY id"))
said += [cursor.fetchone(), cursor.fetchmany(10), cursor.fetchall(), cursor.fetchall(), cursor.fetchone()]
cursor.execute("SELECT * FROM t WHERE id < %(most)s", {"most": 7})
said.append([list(row) for row in cursor])
with connection.cursor(cursors.DictCursor) as dicts:
    dicts.execute("SELECT id, name FROM t WHERE id = 3 -- a word")
    said.append(dicts.fetchall())
streamed = connection.cursor(cursors.SSCursor)
streamed.execute("SELECT id FROM t")
said += [streamed.fetchone(), streamed.fetchmany(9), len(list(streamed))]
streamed.execute("SELECT id FROM t LIMIT 5")
said.append(streamed.fetchall())
streamed.close()
for wrong in ("SELECT * FROM nothing", "SELEC"):
    try:
        cursor.execute(wrong)
    except module.ProgrammingError as error:
        said.append([type(error).__name__, error.args[0]])
try:
    cursor.execute("SELECT %s", 1, 2)
except TypeError as error:
    said.append(type(error).__name__)
cursor.execute("CREATE PROCEDURE p(IN a INT) SELECT id FROM t WHERE id < a")
said += [cursor.callproc("p", (4,)), cursor.fetchall(), cursor.nextset()]
connection.begin()
cursor.execute("DELETE FROM t WHERE id > 40")
said.append(cursor.rowcount)
connection.rollback()
cursor.execute("SELECT COUNT(*) FROM t")
said.append(cursor.fetchone())
del cursor
try:
    module.connect(**dict(words, password="wrong"))
except module.OperationalError as error:
    said.append(error.args[0])
connection.close()
try:
    connection.cursor().execute("SELECT 1")
except Exception as error:
    said.append([type(error).__name__, str(error)])
methods = cursors.Cursor.execute, cursors.Cursor.executemany, cursors.Cursor.fetchone
said.append([str(inspect.signature(method)) for method in methods])
print(json.dumps(said, default=str))
"""
SQL = {
    "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(?))": 1,
    "INSERT INTO t VALUES (%s, %s)": 1,
    "UPDATE t SET name = %s WHERE id = %s": 1,
    "SELECT name FROM t WHERE id = %s": 6,
    "SELECT * FROM t ORDER BY id": 1,
    "SELECT * FROM t WHERE id < %(most)s": 1,
    "SELECT id, name FROM t WHERE id = ?": 1,
    "SELECT id FROM t": 1,
    "SELECT id FROM t LIMIT ?": 1,
    "SELECT * FROM nothing": 1,
    "SELEC": 1,
    "CREATE PROCEDURE p(IN a INT) SELECT id FROM t WHERE id < a": 1,
    "CALL p": 1,
    "DELETE FROM t WHERE id > ?": 1,
    "SELECT COUNT(*) FROM t": 1,
}


@pytest.mark.parametrize(
    ("driver", "environment"),
    [
        ("pymysql", None),
        ("pymysql", OLDER),
        ("pymysql", OLD),
        ("pymysql", LTS),
        ("pymysql", NEW),
        ("pymysql as MySQLdb", None),
        ("mysqlclient", None),
    ],
)
def test_each_statement_once(mariadb: Database, driver: str, environment: Environment | None, tmp_path: Path) -> None:
    if driver == "mysqlclient" and importlib.util.find_spec("MySQLdb") is None:
        pytest.skip("mysqlclient is not installed")
    python = build(environment) if environment else sys.executable
    said, seen = seen_in(PROGRAM, tmp_path, lambda: [where(mariadb), driver], python)
    assert said[:2] == [True, 0]
    # The last one, on a closed connection, failed where it was made.
    assert counts(seen, "sql") == {**SQL, "SELECT ?": 1}
    assert counts(seen, "transaction") == {"BEGIN": 1, "COMMIT": 1, "ROLLBACK": 1}
    assert {seen.systems[span.name] for span in seen.of("sql", "fetch", "transaction")} == {"mysql"}
    assert rows(seen, "INSERT", "sql") == [50]
    assert rows(seen, "UPDATE", "sql") == [2]
    assert rows(seen, "DELETE", "sql") == [9]
    assert rows(seen, "SELECT name") == [1] * 6
    assert sorted(rows(seen, "SELECT * FROM t ORDER")) == [1, 10, 39]
    assert rows(seen, "SELECT * FROM t WHERE id <") == [7]
    assert rows(seen, "SELECT id, name") == [1]
    assert sum(rows(seen, "SELECT id FROM t")) == 50 + 5
    assert rows(seen, "CALL") == [4]
    assert rows(seen, "SELECT COUNT") == [1]
    assert lines(seen, "SELECT name", PROGRAM) == {'cursor.execute("SELECT name FROM t WHERE id = %s", (n,))'}
    assert lines(seen, "SELECT id, name", PROGRAM) == {'dicts.execute("SELECT id, name FROM t WHERE id = 3 -- a word")'}
    names = counts(seen, "connect")
    (address,) = names
    assert names[address] == 2, "one of them was refused"
    assert address.startswith(f"mysql 127.0.0.1:{mariadb.port}/perfkit_")


def test_equal_parameters_have_equal_keys(mariadb: Database, tmp_path: Path) -> None:
    program = """
import json, pymysql, sys
to = json.loads(sys.argv[1])
connection = pymysql.connect(host=to["host"], port=to["port"], user=to["user"], password=to["password"])
cursor = connection.cursor()
for value in (1, 2, 1, "1"):
    cursor.execute("SELECT %s", (value,))
print("[]")
"""
    _, seen = seen_in(program, tmp_path, lambda: [where(mariadb)])
    keys = [span.key for span in seen.of("sql")]
    assert keys[0] == keys[2]
    assert len(set(keys)) == 3
