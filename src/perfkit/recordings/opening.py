"""Opening a recording to read it: a path comes in, a checked read-only connection in the present format goes out."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from perfkit.recordings.checks import DamagedError
from perfkit.recordings.failures import damaged, in_use, newer, not_a_recording, read_failure
from perfkit.recordings.migrations import bring_forward
from perfkit.recordings.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES

_MAGIC = b"SQLite format 3\0"
_HEADER = 100  # bytes; sqlite.org/fileformat.html, section 1.3
_LONGEST_VALUE = 64 * 2**20


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside one read transaction, so that a recording which is still growing is seen at one moment.

    Raises PerfkitError where the file is missing, unreadable, not a recording, newer or damaged; so does an error of
    SQLite, a DamagedError or an overflow inside the `with` block.
    """
    _check_header(path)
    try:
        with ExitStack() as cleanup:
            yield cleanup.enter_context(closing(_connect(path, cleanup)))
    except DamagedError as error:
        raise damaged(path, str(error)) from error
    except sqlite3.Error as error:
        if _is_busy(error):
            raise in_use(path) from error
        raise damaged(path, str(error)) from error
    except OverflowError as error:
        raise damaged(path, "a number is out of range") from error
    except UnicodeDecodeError as error:  # SQLite's own message quoted the damage
        raise damaged(path, "its schema is not text") from error
    except OSError as error:
        raise read_failure(path, error) from error


def is_recording(path: Path) -> bool:
    """Whether the file's first bytes are those of a recording. Raises OSError."""
    with path.open("rb") as file:
        return _is_ours(file.read(_HEADER))


def being_written(path: Path) -> bool:
    """Whether a Writer, in any process, has the file open: it holds SQLite's write lock all the time."""
    try:
        with closing(sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None, timeout=0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        return _is_busy(error)
    return False


def uri(path: Path, mode: Literal["ro", "rw"]) -> str:
    """SQLite's URI of a path, whatever characters or bytes it has."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def journal_of(path: Path) -> Path:
    """Where SQLite keeps the pages to restore if a writer dies."""
    return path.with_name(path.name + "-journal")


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def _is_ours(header: bytes) -> bool:
    return header.startswith(_MAGIC) and header[68:72] == APPLICATION_ID.to_bytes(4, "big")


def _check_header(path: Path) -> None:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise not_a_recording(path)  # a pipe or a device: opening it could wait for ever
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except OSError as error:
        raise read_failure(path, error) from error
    if not header:
        raise damaged(path, "it is empty, as perfkit ended before its first write")
    if header.startswith(_MAGIC) and len(header) < _HEADER:
        raise damaged(path, f"it ends after {len(header)} bytes")
    if not _is_ours(header):
        raise not_a_recording(path)
    version = int.from_bytes(header[60:64], "big")
    if version > SCHEMA_VERSION:
        raise newer(path, version, SCHEMA_VERSION)


def _connect(path: Path, cleanup: ExitStack) -> sqlite3.Connection:
    connection = _plain(path)
    try:
        connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorname != "SQLITE_READONLY_ROLLBACK":
            raise
        path = _rolled_back(path, cleanup)
        connection = _plain(path)
    try:
        _restrict(connection)
        connection.execute("BEGIN")
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        _check_size(connection, path)
        if version < SCHEMA_VERSION:
            connection.execute("COMMIT")
            with closing(connection) as older:
                connection = sqlite3.connect(":memory:", isolation_level=None)
                _restrict(connection)
                bring_forward(older, version, connection)
        _check_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _plain(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(uri(path, "ro"), uri=True, isolation_level=None)


def _restrict(connection: sqlite3.Connection) -> None:
    """What a stranger's file may do while it is read: no functions with effects, no huge values."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)


def _rolled_back(path: Path, cleanup: ExitStack) -> Path:
    """A killed writer left half a transaction and the journal to undo it: undo it in place, else in a copy."""
    try:
        _roll_back(path)
        return path
    except sqlite3.OperationalError:
        copy = Path(cleanup.enter_context(TemporaryDirectory(prefix="perfkit-"))) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(journal_of(path), journal_of(copy))
        _roll_back(copy)
        return copy


def _roll_back(path: Path) -> None:
    with closing(sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None)) as connection:
        connection.execute("SELECT 1 FROM sqlite_master")


def _check_size(connection: sqlite3.Connection, path: Path) -> None:
    # SQLite reads a last page that is cut short as if zeros followed.
    pages, page_size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    size = path.stat().st_size
    if size < pages * page_size:
        raise DamagedError(f"it ends after {size} of {pages * page_size} bytes")


def _check_tables(connection: sqlite3.Connection) -> None:
    # A view or a virtual table has no root page, and could yield rows without end.
    there = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0")
    missing = set(TABLES).difference(name for (name,) in there)
    if missing:
        raise DamagedError(f"it has no table {min(missing)}")
