"""EXPLAIN and --analyze, given statements that try hard to change something: afterwards every row, every sequence, every file and
every lock is as it was, and each statement was refused with a reason or was harmless.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

import databases
from databases import Database
from perfkit.explain import ExplainOptions, Statement, explain_all
from perfkit.model.plan import NotPlanned, Plan

pytestmark = pytest.mark.real

# Each writes in a way of its own; %s is a file that must not appear. READ ONLY holds neither the locks nor the files.
EFFECTS = {
    "insert": "INSERT INTO ledger(what) VALUES ('x')",
    "update": "UPDATE ledger SET what = 'changed'",
    "delete": "DELETE FROM ledger",
    "create": "CREATE TABLE IF NOT EXISTS made(a int)",
    "nextval": "PERFORM nextval('counter')",
    "setval": "PERFORM setval('counter', 1000)",
    "large_object": "PERFORM lo_create(4711)",
    "notify": "PERFORM pg_notify('heard', 'x')",
    "set_config": "PERFORM set_config('application_name', 'changed', false)",
    "read_write": "PERFORM set_config('transaction_read_only', 'off', false); INSERT INTO ledger(what) VALUES ('x')",
    "advisory": "PERFORM pg_advisory_lock(4711)",
    "program": "COPY (SELECT 1) TO PROGRAM 'cat > %s'",
    "file": "COPY (SELECT 1) TO '%s'",
    "export": "PERFORM lo_export(4700, '%s')",
    "message": "PERFORM pg_logical_emit_message(false, 'a', 'b')",
}
STATEMENTS = [
    "INSERT INTO ledger(what) VALUES ('x')",
    "INSERT INTO ledger(what) SELECT what FROM ledger RETURNING id",
    "UPDATE ledger SET what = 'y'",
    "DELETE FROM ledger USING ledger b",
    "WITH gone AS (DELETE FROM ledger RETURNING *) SELECT * FROM gone",
    "WITH a AS (SELECT 1), more AS (INSERT INTO ledger(what) VALUES ('x') RETURNING id) SELECT * FROM more, a",
    "WITH a AS (WITH b AS (UPDATE ledger SET what = 'z' RETURNING 1) SELECT 1) SELECT * FROM a",
    "SELECT * INTO copied FROM ledger",
    "SELECT 1 AS a INTO TEMP copied",
    "CREATE TABLE copied AS SELECT 1",
    "SELECT nextval('counter')",
    "SELECT * FROM ledger LIMIT nextval('counter')",
    "SELECT * FROM ledger WHERE id = nextval('counter')",
    "SELECT * FROM (SELECT nextval('counter') n OFFSET 0) s",
    "SELECT setval('counter', 500)",
    "SELECT * FROM over_nextval",
    "SELECT * FROM over_lock",
    "SELECT * FROM guarded",
    "COPY ledger TO PROGRAM 'cat > %s'",
    "COPY (SELECT 1) TO '%s'",
    "COPY ledger FROM PROGRAM 'echo 1'",
    "SELECT 1; DELETE FROM ledger",
    "SELECT 1; COMMIT; DELETE FROM ledger",
    "SELECT 1;\n;DELETE FROM ledger;",
    "SELECT $$;$$; DELETE FROM ledger --",
    "SELECT E'\\'; DELETE FROM ledger; --'",
    "SELECT '\\'; DELETE FROM ledger; --'",
    "/* /* */ SELECT 1; */ DELETE FROM ledger",
    "SELECT pg_advisory_lock(99)",
    "SELECT pg_advisory_xact_lock(99) FROM ledger",
    "SELECT pg_notify('heard', 'y')",
    "NOTIFY heard",
    "SELECT set_config('work_mem', '64kB', false)",
    "SELECT lo_create(4712)",
    "SELECT lo_import('/etc/hostname')",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_unlink(4700)",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_sleep(600)",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT pg_stat_reset()",
    "SELECT pg_stat_reset_single_table_counters('ledger'::regclass)",
    "SELECT query_to_xml('SELECT pg_advisory_lock(98)', true, true, '')",
    "SELECT query_to_xml('SELECT nextval(''counter'')', true, true, '')",
    "SELECT * FROM ledger FOR UPDATE",
    "SELECT * FROM (SELECT * FROM ledger FOR SHARE) s",
    "TABLE ledger FOR NO KEY UPDATE",
    "SELECT * FROM ledger TABLESAMPLE bernoulli (nextval('counter'))",
    "SELECT sum_writes(id) FROM ledger",
    "SELECT id === 1 FROM ledger",
    "SELECT 'x'::text::checked",
    "SELECT row_writes(l) FROM ledger l",
    "SELECT l.row_writes FROM ledger l",
    "SELECT ARRAY(SELECT nextval('counter'))",
    "SELECT CASE WHEN random() < 2 THEN nextval('counter') END",
    "VALUES (nextval('counter'))",
    "(SELECT 1) UNION (SELECT nextval('counter'))",
    "DO $$ BEGIN DELETE FROM ledger; END $$",
    "CALL procedure_writes()",
    "EXECUTE something",
    "PREPARE something AS DELETE FROM ledger",
    "DECLARE c CURSOR FOR SELECT 1",
    "EXPLAIN ANALYZE DELETE FROM ledger",
    "ANALYZE DELETE FROM ledger",
    "(ANALYZE) DELETE FROM ledger",
    "REFRESH MATERIALIZED VIEW kept",
    "TRUNCATE ledger",
    "DROP TABLE ledger",
    "VACUUM ledger",
    "LOCK TABLE ledger",
    "SET ROLE postgres",
    "ROLLBACK",
    "COMMIT",
    "MERGE INTO ledger l USING ledger s ON l.id = s.id WHEN MATCHED THEN DELETE",
    "INSERT INTO ledger(what) VALUES ('x') ON CONFLICT DO NOTHING",
    "SELECT * FROM partial_lie WHERE a = 1",
    "SELECT * FROM with_default",
    "INSERT INTO with_default DEFAULT VALUES",
]


# What looks like a second statement is inside of a string, or is not there at all.
HARMLESS = {"SELECT E'\\'; DELETE FROM ledger; --'", "SELECT * FROM with_default"}
HARMLESS_MARIADB = {"SELECT 'a\\' , writes(1) , '", "SELECT \"a\" ''' , writes(1) , '", "SELECT 1 --writes(1)"}


@pytest.fixture(scope="module")
def touched() -> Iterator[Path]:
    """A file that the servers could make, in a folder of their user's."""
    with databases._folder("touched") as folder:
        yield folder / "made"


@pytest.fixture(scope="module")
def hostile(server: Database, ordinary: Database, touched: Path) -> list[str]:
    """Statements, and the database that they are for."""
    statements = [text.replace("%s", str(touched)) for text in STATEMENTS]
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        for text in _schema():
            admin.execute(text)
        for name, effect in EFFECTS.items():
            _function(admin, f"volatile_{name}", "VOLATILE", effect.replace("%s", str(touched)))
            for lie in ("stable", "immutable"):  # only a volatile function may write, and these may call one
                _function(admin, f"{lie}_{name}", lie, f"PERFORM volatile_{name}(1)")
            statements += [
                f"SELECT volatile_{name}(1)",
                f"SELECT * FROM ledger WHERE id = stable_{name}(1)",
                f"SELECT immutable_{name}(1)",
                f"SELECT * FROM ledger WHERE id = immutable_{name}(1)",
                f"SELECT * FROM (SELECT immutable_{name}(2) AS n, count(*) FROM ledger) s WHERE n = 1",
                f"INSERT INTO ledger(id, what) SELECT immutable_{name}(3), 'x'",
            ]
        admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ordinary.user}")
        admin.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ordinary.user}")
    return statements


def _function(admin: psycopg.Connection[Any], name: str, volatility: str, effect: str) -> None:
    body = f"BEGIN {effect}; RETURN 1; END"
    admin.execute(f"CREATE FUNCTION {name}(int) RETURNS int LANGUAGE plpgsql {volatility} AS $body${body}$body$")


def _schema() -> Iterator[str]:
    yield "CREATE SEQUENCE counter"
    yield "CREATE TABLE ledger (id serial PRIMARY KEY, what text)"
    yield "INSERT INTO ledger(what) SELECT 'row ' || g FROM generate_series(1, 50) g"
    yield "SELECT lo_from_bytea(4700, 'large')"
    body = "BEGIN INSERT INTO ledger(what) VALUES ('x'); RETURN 1; END"
    yield f"CREATE FUNCTION row_writes(ledger) RETURNS int LANGUAGE plpgsql VOLATILE AS $${body}$$"
    body = "BEGIN PERFORM nextval('counter'); RETURN 1; END"
    yield f"CREATE FUNCTION adds(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $${body}$$"
    yield "CREATE AGGREGATE sum_writes(int) (SFUNC = adds, STYPE = int, INITCOND = '0')"
    equal = "BEGIN PERFORM nextval('counter'); RETURN true; END"
    yield f"CREATE FUNCTION equal_writes(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $${equal}$$"
    yield "CREATE OPERATOR === (FUNCTION = equal_writes, LEFTARG = int, RIGHTARG = int)"
    yield f"CREATE FUNCTION text_writes(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $${equal}$$"
    yield "CREATE DOMAIN checked AS text CHECK (text_writes(VALUE))"
    yield "CREATE PROCEDURE procedure_writes() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM ledger; END $$"
    yield "CREATE VIEW over_nextval AS SELECT nextval('counter') AS n, what FROM ledger"
    yield "CREATE VIEW over_lock AS SELECT id FROM ledger WHERE pg_try_advisory_lock(id)"
    yield "CREATE MATERIALIZED VIEW kept AS SELECT * FROM ledger"
    yield "CREATE TABLE guarded (id int)"
    yield "INSERT INTO guarded VALUES (1)"
    yield "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY"
    yield "CREATE POLICY writes ON guarded USING (pg_try_advisory_lock(97) AND text_writes('x'))"
    yield "CREATE FUNCTION index_lie(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 1; END $$"
    yield "CREATE TABLE partial_lie (a int)"
    yield "INSERT INTO partial_lie VALUES (1)"
    yield "CREATE INDEX ON partial_lie (a) WHERE index_lie(1) = 1"
    lie = "BEGIN PERFORM pg_advisory_lock(96); PERFORM nextval('counter'); RETURN 1; END"
    yield f"CREATE OR REPLACE FUNCTION index_lie(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $${lie}$$"
    yield "CREATE TABLE with_default (a int DEFAULT nextval('counter'), b int DEFAULT index_lie(2))"


def _everything(admin: psycopg.Connection[Any]) -> dict[str, Any]:
    """All rows of all tables and sequences, all objects, settings and locks."""
    found: dict[str, Any] = {}
    relations = admin.execute(
        "SELECT c.oid::regclass::text, relkind FROM pg_class c WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    ).fetchall()
    found["relations"] = relations
    for name, kind in relations:
        if kind == "S":
            found[name] = admin.execute(f"SELECT last_value, is_called FROM {name}").fetchall()
        elif name == "partial_lie":  # a plan of ours would run the function in its index
            with admin.cursor().copy("COPY partial_lie TO STDOUT") as copy:
                found[name] = list(copy.rows())
        elif kind in ("r", "m", "p"):
            found[name] = admin.execute(f"SELECT xmin, ctid, t.* FROM {name} t ORDER BY ctid").fetchall()
    for what in (
        "SELECT oid FROM pg_largeobject_metadata ORDER BY 1",
        "SELECT loid, pageno, data FROM pg_largeobject ORDER BY 1, 2",
        "SELECT oid::regprocedure::text, md5(prosrc) FROM pg_proc WHERE oid >= 16384 ORDER BY 1",
        "SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting ORDER BY 1, 2",
        "SELECT rolname, rolsuper FROM pg_roles ORDER BY 1",
        "SELECT classid, objid, pid FROM pg_locks WHERE locktype = 'advisory'",
        "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()",
    ):
        found[what] = admin.execute(what).fetchall()
    return found


@pytest.mark.parametrize("analyze", [False, True], ids=["explain", "analyze"])
@pytest.mark.parametrize("role", ["superuser", "ordinary"])
def test_postgres_is_as_it_was(
    server: Database, ordinary: Database, hostile: list[str], touched: Path, role: str, analyze: bool
) -> None:
    dsn = server.dsn if role == "superuser" else ordinary.dsn
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute("LISTEN heard")
        before = _everything(admin)
        answers: dict[str, Plan | NotPlanned] = {}
        options = ExplainOptions(analyze=analyze, statement_timeout=5, lock_timeout=1)
        for answer in explain_all([Statement(text) for text in hostile], dsn, options):
            answers[answer.text] = answer
            locks = admin.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
            assert locks == (0,), f"a lock is left by {answer.text}"
        assert _everything(admin) == before
        assert [str(heard) for heard in admin.notifies(timeout=0)] == []
    assert list(answers) == list(dict.fromkeys(hostile))
    assert not touched.exists()
    run = {text for text, answer in answers.items() if isinstance(answer, Plan) and answer.analyzed}
    assert run == (HARMLESS if analyze and role == "ordinary" else set())
    silent = [
        text
        for text, answer in answers.items()
        if (isinstance(answer, NotPlanned) and not (answer.why and answer.remedy))
        or (
            analyze
            and isinstance(answer, Plan)
            and not answer.analyzed
            and "it was not run: " not in "".join(answer.remarks)
        )
    ]
    assert silent == []


def test_the_effects_are_real(
    server: Database, hostile: list[str], admin: psycopg.Connection[Any], touched: Path
) -> None:
    """Without perfkit's care the functions do what they are feared for: in plain EXPLAIN, because they claim to be immutable."""
    before = _everything(admin)
    for name in ("insert", "nextval", "advisory"):
        admin.execute(f"EXPLAIN SELECT * FROM ledger WHERE id = immutable_{name}(1)")
    after = _everything(admin)
    assert {name for name in before if before[name] != after[name]} >= {"ledger", "counter"}
    with psycopg.connect(server.dsn) as connection:
        connection.read_only = True
        connection.execute("EXPLAIN SELECT immutable_program(1)")
        connection.rollback()
    assert touched.exists()  # neither READ ONLY nor ROLLBACK holds a program
    touched.unlink()
    admin.execute("SELECT pg_advisory_unlock_all()")


def test_a_definer_with_more_rights_is_refused(
    server: Database, ordinary: Database, hostile: list[str], touched: Path
) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute("ALTER FUNCTION immutable_program(int) SECURITY DEFINER")
        try:
            (answer,) = explain_all([Statement("SELECT immutable_program(1)")], ordinary.dsn)
        finally:
            admin.execute("ALTER FUNCTION immutable_program(int) SECURITY INVOKER")
    assert isinstance(answer, NotPlanned) and "immutable_program" in answer.why
    assert not touched.exists()


MARIADB = [
    "SELECT writes(1)",
    "SELECT * FROM ledger WHERE id = writes(1)",
    "SELECT * FROM ledger WHERE id = `writes`(1)",
    "SELECT * FROM ledger WHERE id = writes (1)",
    "SELECT * FROM ledger WHERE id = {schema}.writes(1)",
    "SELECT * FROM ledger WHERE id = {schema} . `writes` /* */ (1)",
    "SELECT * FROM (SELECT writes(1) x, count(*) c FROM ledger) d WHERE x = 1",
    "SELECT * FROM ledger WHERE id = (SELECT writes(1))",
    "SELECT * FROM ledger WHERE id IN (SELECT writes(1) UNION SELECT 2)",
    "SELECT * FROM over_writes",
    "SELECT * FROM over_over",
    "SELECT * FROM over_over WHERE n = ?",
    "SELECT * FROM ledger WHERE id = ? AND what = ?",
    "DELETE FROM ledger WHERE id = ?",
    "WITH w (a) AS (SELECT writes(1)) SELECT * FROM w",
    "UPDATE ledger SET what = 'x' WHERE id = writes(1)",
    "DELETE FROM ledger WHERE id = writes(1)",
    "INSERT INTO ledger(id) VALUES (writes(1))",
    "INSERT INTO ledger(id) SELECT writes(1)",
    "UPDATE ledger SET what = 'x'",
    "DELETE FROM ledger",
    "REPLACE INTO ledger(id, what) VALUES (1, 'x')",
    "SELECT * FROM ledger FOR UPDATE",
    "SELECT * FROM ledger WHERE id = 1 LOCK IN SHARE MODE",
    "SELECT nextval(counter)",
    "SELECT * FROM (SELECT nextval(counter) n) d",
    "SELECT * FROM (SELECT NEXT VALUE FOR counter n) d",
    "SELECT NEXT/**/VALUE/**/FOR counter",
    "SELECT setval(counter, 100)",
    "SELECT * FROM ledger INTO OUTFILE '{file}'",
    "SELECT 1 INTO DUMPFILE '{file}'",
    "SELECT id INTO @a FROM ledger LIMIT 1",
    "SELECT @a := 5",
    "SELECT * FROM ledger WHERE id = SLEEP(100)",
    "SELECT * FROM (SELECT SLEEP(100)) d",
    "SELECT BENCHMARK(1000000000, SHA2('a', 512))",
    "SELECT * FROM (SELECT GET_LOCK('mine', 1)) d",
    "SELECT RELEASE_ALL_LOCKS()",
    "SELECT LOAD_FILE('/etc/hostname')",
    "SELECT LAST_INSERT_ID(7)",
    "SELECT 1; DELETE FROM ledger",
    "SELECT 1 /*!; DELETE FROM ledger */",
    "SELECT /*!50000 writes(1) */",
    "SELECT /*M!100000 writes(1) */",
    "SELECT 'a\\' , writes(1) , '",
    "SELECT \"a\" ''' , writes(1) , '",
    "SELECT 1 -- \n, writes(1)",
    "SELECT 1 --writes(1)",
    "SELECT 1 # \n, writes(1)",
    "CALL procedure_writes()",
    "DO writes(1)",
    "HANDLER ledger OPEN",
    "LOCK TABLES ledger WRITE",
    "SET @a = writes(1)",
    "LOAD DATA INFILE '/etc/hostname' INTO TABLE ledger",
    "TRUNCATE ledger",
    "ANALYZE DELETE FROM ledger",
    "ANALYZE TABLE ledger",
    "EXPLAIN DELETE FROM ledger",
    "FORMAT=JSON DELETE FROM ledger",
    "COMMIT",
    "BEGIN NOT ATOMIC DELETE FROM ledger; END",
]


@pytest.fixture(scope="module")
def maria(mariadb: Database) -> Database:
    database = mariadb.fresh()
    with _maria(database) as connection, connection.cursor() as cursor:
        body = "BEGIN INSERT INTO other(what) VALUES ('x'); INSERT INTO flat(what) VALUES ('x'); RETURN 1; END"
        for text in (
            "CREATE TABLE ledger (id int PRIMARY KEY AUTO_INCREMENT, what varchar(50)) ENGINE=InnoDB",
            "CREATE TABLE flat (id int PRIMARY KEY AUTO_INCREMENT, what varchar(50)) ENGINE=MyISAM",
            "INSERT INTO ledger(what) SELECT concat('row ', seq) FROM seq_1_to_50",
            "INSERT INTO flat(what) VALUES ('row')",
            "CREATE TABLE other LIKE ledger",
            "CREATE SEQUENCE counter",
            f"CREATE FUNCTION writes(x int) RETURNS int DETERMINISTIC MODIFIES SQL DATA {body}",
            "CREATE PROCEDURE procedure_writes() DELETE FROM ledger",
            "CREATE VIEW over_writes AS SELECT writes(1) AS n, count(*) FROM ledger",
            "CREATE VIEW over_over AS SELECT * FROM over_writes",
        ):
            cursor.execute(text)
    return database


def _maria(database: Database) -> pymysql.Connection[Any]:
    return pymysql.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.name,
        autocommit=True,
    )


def _all_of_maria(cursor: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in (
        "SHOW FULL TABLES",
        "SELECT * FROM ledger ORDER BY id",
        "SELECT * FROM flat ORDER BY id",
        "SELECT * FROM other ORDER BY id",
        "SELECT next_not_cached_value FROM counter",
        "SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema = database() AND table_type = 'BASE TABLE'",
        "SELECT is_used_lock('mine')",
        "SELECT routine_name FROM information_schema.routines WHERE routine_schema = database()",
    ):
        cursor.execute(text)
        found[text] = cursor.fetchall()
    return found


@pytest.mark.parametrize("analyze", [False, True], ids=["explain", "analyze"])
def test_mariadb_is_as_it_was(maria: Database, touched: Path, analyze: bool) -> None:
    statements = [Statement(text.replace("{schema}", maria.name).replace("{file}", str(touched))) for text in MARIADB]
    with _maria(maria) as connection, connection.cursor() as cursor:
        before = _all_of_maria(cursor)
        answers = []
        for answer in explain_all(
            statements, maria.dsn, ExplainOptions(analyze=analyze, statement_timeout=5, lock_timeout=1)
        ):
            answers.append(answer)
            assert _all_of_maria(cursor) == before, answer.text
    assert len(answers) == len(MARIADB)
    assert not touched.exists()
    for answer in answers:
        assert isinstance(answer, Plan) or (answer.why and answer.remedy)
    planned = {answer.text for answer in answers if isinstance(answer, Plan) and "writes" in answer.text}
    assert planned <= HARMLESS_MARIADB


def test_mariadb_does_write_in_explain(maria: Database) -> None:
    """What the care is for: EXPLAIN runs functions of constants and derived tables."""
    with _maria(maria) as connection, connection.cursor() as cursor:
        before = _all_of_maria(cursor)
        cursor.execute("EXPLAIN SELECT * FROM ledger WHERE id = writes(1)")
        cursor.execute("EXPLAIN SELECT * FROM (SELECT nextval(counter) n) d")
        after = _all_of_maria(cursor)
    assert {text for text in before if before[text] != after[text]} >= {
        "SELECT * FROM flat ORDER BY id",
        "SELECT * FROM other ORDER BY id",
        "SELECT next_not_cached_value FROM counter",
    }


SQLITE = [
    "INSERT INTO book(title) VALUES ('x')",
    "INSERT INTO book(title) SELECT title FROM book",
    "UPDATE book SET title = 'x'",
    "DELETE FROM book",
    "REPLACE INTO book VALUES (1, 'x')",
    "INSERT INTO book(title) VALUES ('x') RETURNING id",
    "SELECT 1; DELETE FROM book",
    "PRAGMA user_version = 7",
    "PRAGMA writable_schema = 1",
    "ATTACH '{file}' AS other",
    "VACUUM INTO '{file}'",
    "VACUUM",
    "CREATE TABLE made AS SELECT 1",
    "DROP TABLE book",
    "SELECT load_extension('{file}')",
    "SELECT writefile('{file}', 'x')",
    "SELECT application_function(title) FROM book",
    "REINDEX",
    "ANALYZE",
    "BEGIN EXCLUSIVE",
    "EXPLAIN DELETE FROM book",
    "SELECT * FROM book WHERE title = 'a'';DELETE FROM book'",
    "SELECT * FROM pragma_journal_mode('delete')",
]


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("analyze", [False, True], ids=["explain", "analyze"])
def test_sqlite_is_as_it_was(tmp_path: Path, journal: str, analyze: bool) -> None:
    file, made = tmp_path / "books.db", tmp_path / "made"
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.executescript(
        "CREATE TABLE book (id integer PRIMARY KEY, title text); INSERT INTO book VALUES (1, 'a'), (2, 'b');"
    )
    connection.close()

    def state() -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}

    before = state()
    statements = [Statement(text.replace("{file}", str(made))) for text in SQLITE]
    answers = list(explain_all(statements, f"sqlite:///{file}", ExplainOptions(analyze=analyze)))
    assert state() == before
    assert len(answers) == len(SQLITE)
    assert not any(answer.analyzed for answer in answers if isinstance(answer, Plan))
    assert isinstance(answers[SQLITE.index("INSERT INTO book(title) SELECT title FROM book")], Plan)
    assert isinstance(answers[SQLITE.index("SELECT application_function(title) FROM book")], Plan)
