"""A log's digest as a file of its own: what many machines make apart, to be merged in one place. JSON, compressed."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from contextlib import suppress
from pathlib import Path

from perfkit.errors import PerfkitError
from perfkit.model.sqllog import SqlLog
from perfkit.recordings.checks import DamagedError
from perfkit.recordings.documents import read, written
from perfkit.recordings.failures import write_failure
from perfkit.recordings.logs import check

FORMAT = "perfkit.digest/1"
_MAGIC = b"\x1f\x8b"
_LARGEST = 2**31  # bytes of JSON: more of it is no digest


def save_digest(log: SqlLog, path: Path) -> None:
    """A whole file or none, for its owner alone; in the place of another digest, and of nothing else. Raises PerfkitError."""
    if path.exists() and (not path.is_file() or (path.stat().st_size and not _is_digest(path))):
        raise PerfkitError(f"{path} exists and is no digest.", "perfkit never overwrites it: choose another name")
    part = path.with_name(f".{path.name}.part")
    text = f'{{"format":"{FORMAT}","log":{written(log)}}}\n'
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(gzip.compress(text.encode("utf-8", "surrogatepass"), 6, mtime=0))
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise write_failure(path, error) from error


def load_digest(path: Path) -> SqlLog:
    """Raises PerfkitError where it is not one, damaged, or of a newer perfkit."""
    try:
        data = path.read_bytes()
        if data.startswith(_MAGIC):
            data = _unpacked(data)
        found = json.loads(data)
        format = found.get("format") if isinstance(found, dict) else None
        if format != FORMAT:
            raise _not_a_digest(path, format)
        log = read(SqlLog, json.dumps(found["log"]))
        for digest in log.digests.values():
            check(digest)
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise PerfkitError(
            f"{path} cannot be read: {why}.", "name a file that perfkit sql --save-digest wrote"
        ) from error
    except (ValueError, KeyError, RecursionError, DamagedError) as error:
        raise _not_a_digest(path, None) from error
    return log


def _is_digest(path: Path) -> bool:
    try:
        load_digest(path)
    except PerfkitError:
        return False
    return True


def _unpacked(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(wbits=31)
    text = decompressor.decompress(data, _LARGEST)
    if not decompressor.eof:
        raise ValueError("cut off, or larger than any digest")
    return text


def _not_a_digest(path: Path, format: object) -> PerfkitError:
    if isinstance(format, str) and format.startswith("perfkit.digest/"):
        return PerfkitError(
            f"{path} is of another perfkit: {format[:40]}.", "merge with the perfkit that wrote it, or upgrade"
        )
    return PerfkitError(f"{path} is no digest.", "name files that perfkit sql --save-digest FILE wrote")
