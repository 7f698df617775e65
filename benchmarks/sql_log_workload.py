"""Big logs for sql_logs.py: real servers write them, under the workload of the tests, round after round until they are big enough.

    python benchmarks/sql_log_workload.py --megabytes 200     makes what is not yet there, and says where it is

PostgreSQL writes the same events as stderr, csvlog and jsonlog; the size is that of stderr. MariaDB's slow log is also
rewritten into what MySQL 8 documents, because no MySQL server is to be had here. All of it stays under ~/.cache/perfkit-bench.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from datetime import UTC

import sql_log_statements as statements
import sql_logs
from databases import USER

PREFIX = "%m [%p] %q%u@%d/%a "
CACHE = Path.home() / ".cache" / "perfkit-bench"
TIDY = (
    40  # rounds after which what the workload has written is deleted, so that its statements stay as fast as they were
)

MYSQL_IS_SHORTER = 2.3  # the same records in MariaDB's words are so much longer; both logs must be big enough


@dataclass(frozen=True)
class BigLogs:
    stderr: Path
    csvlog: Path
    jsonlog: Path
    mariadb: Path
    mysql: Path

    @classmethod
    def of(cls, megabytes: int) -> BigLogs:
        """Made now, minutes for 200 MB, where they are not in the cache."""
        folder = CACHE / f"sql-logs-{megabytes}"
        logs = cls(*(folder / name for name in ("server.log", "server.csv", "server.json", "slow.log", "mysql.log")))
        if not logs.jsonlog.exists():
            _make(folder, lambda to: _postgres(to, megabytes * 1_000_000))
        if not logs.mysql.exists():
            _make(folder, lambda to: _mariadb(to, int(megabytes * 1_000_000 * MYSQL_IS_SHORTER)))
        return logs


def _make(folder: Path, write: Callable[[Path], None]) -> None:
    """Files appear in `folder` when all of them are whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        write(Path(unfinished))
        for file in sorted(Path(unfinished).iterdir()):
            file.rename(folder / file.name)


def _postgres(to: Path, size: int) -> None:
    with sql_logs.postgres_that_logs(to, "15", {"log_line_prefix": PREFIX}) as server:
        statements.prepare_postgres(server)
        for number in _rounds(server, size):
            statements.postgres_round(server, number)
            if number % TIDY == 0:
                statements.postgres_locks(server)
                _tidy(server, ("TRUNCATE notes", 'DELETE FROM "Order Items" WHERE id > 1200'))


def _mariadb(to: Path, size: int) -> None:
    with sql_logs.mariadb_that_logs(to) as server:
        statements.prepare_mariadb(server)
        for number in _rounds(server, size):
            statements.mariadb_round(server, number)
            if number % TIDY == 0:
                _tidy(server, ("TRUNCATE notes", "DELETE FROM `Order Items` WHERE id > 1200"))
    with (to / "slow.log").open("rb") as log, (to / "mysql.log").open("wb") as out:
        out.writelines(as_mysql(log))


def _rounds(server: sql_logs.Server, size: int) -> Iterator[int]:
    number = 0
    while server.written() < size:
        number += 1
        yield number
        if number % 100 == 0:
            print(f"{server.written() / 1e6:.0f} MB", file=sys.stderr)


def _tidy(server: sql_logs.Server, texts: tuple[str, ...]) -> None:
    for name in (statements.SHOP, statements.OFFICE):
        with closing(server.connect(USER, name)) as connection, closing(connection.cursor()) as cursor:
            for text in texts:
                cursor.execute(text)


_USER = re.compile(rb"# User@Host: (.*?)\s*\n")
_THREAD = re.compile(rb"# Thread_id: (\d+)")
_COST = re.compile(rb"# (Query_time: \S+  Lock_time: \S+)  (Rows_sent: \d+  Rows_examined: \d+)")
_TIMESTAMP = re.compile(rb"SET timestamp=(\d+);")


def as_mysql(lines: Any) -> Iterator[bytes]:
    """Records of MariaDB's slow log as MySQL 8.0 writes them (Reference Manual 8.0, 5.4.5): a time of its own for each, the id
    behind the host, one line of costs, nothing of MariaDB's."""
    from datetime import datetime

    user = thread = cost = b""
    use: list[bytes] = []
    number = 0
    for line in lines:
        if line.startswith(b"# User@Host:"):
            user = _USER.sub(rb"\1", line)
        elif line.startswith(b"# Thread_id:"):
            found = _THREAD.match(line)
            thread = found[1] if found else b"0"
        elif line.startswith(b"# Query_time:"):
            found = _COST.match(line)
            cost = found[1] + b" " + found[2] if found else line[2:-1]
        elif line.startswith(b"SET timestamp=") and cost:
            found = _TIMESTAMP.match(line)
            number = (number + 137) % 1_000_000
            at = datetime.fromtimestamp(int(found[1]) if found else 0, UTC)
            yield b"# Time: %s.%06dZ\n" % (at.strftime("%Y-%m-%dT%H:%M:%S").encode(), number)
            yield b"# User@Host: %s  Id: %5d\n# %s\n" % (user, int(thread), cost)
            yield from [*use, line]
            cost, use = b"", []
        elif line.startswith(b"use `") and cost:
            use = [line.replace(b"`", b"")]
        elif not (cost or line.startswith(b"#")):
            yield line


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    made = BigLogs.of(parser.parse_args().megabytes)
    for path in (made.stderr, made.csvlog, made.jsonlog, made.mariadb, made.mysql):
        print(path, f"{path.stat().st_size / 1e6:.0f} MB")
