"""A server's log put beside what was measured at the same time: statements have their lines and the server's own numbers."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

import sql_logs
from databases import PASSWORD, USER
from perfkit_command import Here

_SCRIPT = """\
import sys
import psycopg
connection = psycopg.connect(sys.argv[1], autocommit=True, application_name="report")
for turn in range(20):
    for number, in connection.execute("SELECT n FROM orders WHERE n < %s", (25,)).fetchall():
        connection.execute("SELECT name FROM customer WHERE n = %s", (number,)).fetchone()
"""


@pytest.mark.real
def test_the_same_statements_on_both_sides(here: Here, tmp_path: Path) -> None:
    (here.folder / "script.py").write_text(_SCRIPT)
    logs = tmp_path / "logs"
    logs.mkdir()
    with sql_logs.postgres_that_logs(logs, "18", {"log_line_prefix": sql_logs.PREFIX}) as server:
        with closing(server.connect(USER, "postgres")) as connection:
            connection.execute("CREATE TABLE orders AS SELECT n FROM generate_series(1, 2000) n")
            connection.execute(
                "CREATE TABLE customer AS SELECT n, 'name ' || n AS name FROM generate_series(1, 2000) n"
            )
        dsn = f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/postgres"
        ended = here.run(sys.executable, "script.py", dsn, options=("-o", "shop.perfkit", "--rate", "20"))
        assert ended.code == 0, ended.err
    before = here.report("shop.perfkit")
    ended = here("sql", str(logs / "server.log"), "-o", "shop.perfkit")
    assert ended.code == 0, ended.err
    assert "put the log beside what shop.perfkit holds" in ended.err
    found = here.report("shop.perfkit")
    assert found["run"]["mode"] == "run"
    customer = next(query for query in found["queries"] if query["fingerprint"].startswith("select name from customer"))
    assert (customer["where"]["line"], customer["count"]) == (6, 480)
    assert customer["applications"] == {"report": 480}
    assert customer["fingerprint"] in {query["fingerprint"] for query in before["queries"]}
    assert found["accounting"]["measured"] == before["accounting"]["measured"]
    assert found["log"]["events"] > 500
