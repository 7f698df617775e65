"""Logs behind URLs: words of a command line come in, places and their bytes go out. Runs on the workers of a cluster, which are
the ones that must reach the store and have its credentials."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from glob import has_magic
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from perfkit.collectors.sqllog.sources import HEAD
from perfkit.errors import USAGE, PerfkitError

_LARGEST = 16 << 20
"""Bytes of a request: stores answer in some 50 ms, in which a worker reads as much."""
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "adl": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "ssh": "paramiko",
    "sftp": "paramiko",
    "smb": "smbprotocol",
    "hdfs": "pyarrow",
}
_NO_KEY = ("credential", "unauthorized", "forbidden", "accessdenied", "permission", "authentication")


class Unreachable(Exception):
    """A store that did not answer as it should: it may do so when asked again."""


@dataclass(frozen=True, slots=True)
class Place:
    """A log as its store has it. `url` opens it and may hold a key, `name` is for the eyes of readers. `size` is None where the
    store does not tell it, `modified` seconds since the epoch, `optional` as in Source."""

    url: str
    name: str
    size: int | None
    modified: float
    optional: bool = False


def places(words: Sequence[str], folder: str) -> list[Place]:
    """Files, patterns and folders, as URLs, or as paths from `folder`. A file named twice is there once.

    Raises PerfkitError for what is not there, Unreachable where the store fails.
    """
    found: dict[str, Place] = {}
    for word in words:
        with asked(shown(word)):
            for place in _of(word, folder):
                found.setdefault(_same(place.url), place)
    return list(found.values())


def _of(word: str, folder: str) -> Iterator[Place]:
    fs, path = _store(os.path.join(folder, word) if _is_path(word) else word)
    try:
        info = fs.info(path)
    except FileNotFoundError:
        if not has_magic(urlsplit(word).path if _is_web(word) else word):
            raise
        files = [info for info in fs.glob(path, detail=True).values() if info["type"] != "directory"]
        if not files:
            raise PerfkitError(
                f"the workers see no file that matches {shown(word)}.",
                "quote the pattern as the store has it",
                USAGE,
            ) from None
        yield from (_place(fs, word, folder, info) for info in files)
        return
    if info["type"] != "directory" or _is_web(word):
        yield Place(word if not _is_path(word) else path, shown(word), info.get("size"), _modified(info))
        return
    inside = [info for info in fs.ls(path, detail=True) if info["type"] == "file" and _is_log(info["name"])]
    if not any(info["size"] for info in inside):
        raise PerfkitError(f"{shown(word)} is a folder without logs.", "give the folder that the server logs to", USAGE)
    yield from (_place(fs, word, folder, info, optional=True) for info in inside)


def _same(url: str) -> str:
    """Equal for all ways to name a file."""
    fs, path = _store(url)
    return os.path.realpath(path) if isinstance(fs, LocalFileSystem) else url


def _place(fs: Any, word: str, folder: str, info: dict[str, Any], optional: bool = False) -> Place:
    path = info["name"]
    if _is_path(word):
        name = path if os.path.isabs(word) else os.path.relpath(path, folder)
        return Place(path, name, info["size"], _modified(info), optional)
    _, chain, outer = word.partition("::")
    url = fs.unstrip_protocol(path) + chain + outer
    return Place(url, shown(url), info.get("size"), _modified(info), optional)


def _is_log(path: str) -> bool:
    return not path.rstrip("/").rpartition("/")[2].startswith(".") and not path.endswith("/")


def _is_path(word: str) -> bool:
    return "://" not in word and "::" not in word


def _is_web(word: str) -> bool:
    return word.startswith(("http://", "https://"))


def _store(url: str) -> tuple[Any, str]:
    if _is_path(url):
        return fsspec.filesystem("file"), os.path.abspath(url)
    fs, path = url_to_fs(url)
    return fs, path


def _modified(info: dict[str, Any]) -> float:
    """Each store has its own name for it."""
    at = next((info[name] for name in ("mtime", "LastModified", "last_modified", "updated") if info.get(name)), 0.0)
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            return 0.0
    return at.timestamp() if isinstance(at, datetime) else float(at)


def shown(url: str) -> str:
    """Without the keys that URLs may hold: user and password, and the query of a signed one."""
    if _is_path(url):
        return url
    inner, chain, outer = url.partition("::")
    parts = urlsplit(inner)
    query = "" if _is_web(inner) else parts.query
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, parts.fragment))
    plain = inner if parts.scheme == "file" or not parts.scheme else plain
    return plain + chain + shown(outer) if chain else plain


@contextmanager
def opened_place(place: Place) -> Iterator[io.BufferedReader[Any]]:
    """The bytes as they lie in the store, from the start on. Raises as `places`."""
    with asked(place.name):
        fs, path = _store(place.url)
        # Nothing is read ahead of what is asked for: `_Requests` knows better how much that should be.
        file = fs.open(path, "rb", cache_type="none") if can_seek(place) else fs.open(path, "rb", block_size=0)
    with file, io.BufferedReader(_Requests(file, place), HEAD) as stream:
        yield stream


def can_seek(place: Place) -> bool:
    """Of web servers not all give a part of a file."""
    if not _is_web(place.url):
        return True
    if not place.size:
        return False
    with asked(place.name):
        fs, path = _store(place.url)
        with fs.open(path, "rb", cache_type="none") as file:
            file.seek(place.size - 1)
            try:
                return len(file.read(1)) == 1 and place.size > 1
            except ValueError:
                return False


class _Requests(io.RawIOBase):
    """A file of a store, read in requests that grow from the size of a head. Its failures are no OSError: those are taken for
    packed data that ends too soon."""

    def __init__(self, file: Any, place: Place) -> None:
        self._file, self._name = file, place.name
        self._ahead = memoryview(b"")
        self._request = HEAD

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._ahead = memoryview(b"")
        with asked(self._name):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell()) - len(self._ahead)

    def readinto(self, buffer: Any) -> int:
        if not self._ahead:
            with asked(self._name):
                self._ahead = memoryview(self._file.read(max(self._request, len(buffer))))
            self._request = min(self._request * 4, _LARGEST)
        count = min(len(buffer), len(self._ahead))
        buffer[:count], self._ahead = self._ahead[:count], self._ahead[count:]
        return count


@contextmanager
def asked(name: str) -> Iterator[None]:
    """Turns the failures of stores, each of which has its own, into a PerfkitError, or Unreachable where asking again may help."""
    try:
        yield
    except (PerfkitError, Unreachable):
        raise
    except Exception as error:  # noqa: BLE001 (botocore, google.auth, aiohttp and others: none of them need be installed)
        raise _said(error, name) from None


def _said(error: Exception, name: str) -> Exception:
    scheme = name.partition("://")[0]
    what = f"{type(error).__name__} {error}".lower()
    if isinstance(error, ImportError):
        package = _PACKAGES.get(scheme)
        hint = f"pip install {package}, on each worker" if package else f"on each worker: {error}"
        return PerfkitError(f"the workers cannot open {scheme}:// URLs.", hint)
    if isinstance(error, ValueError) and "protocol not known" in what:
        return PerfkitError(f"no store is known for {scheme}:// URLs.", "s3://, gs://, az://, https:// and file:// are")
    if isinstance(error, FileNotFoundError):
        return PerfkitError(f"the workers see no {name}.", "it must be there for each worker, not only here", USAGE)
    if isinstance(error, PermissionError) or any(word in what for word in _NO_KEY):
        return PerfkitError(f"the workers may not read {name}.", _KEYS.get(_PACKAGES.get(scheme, ""), _ANY_KEY))
    return Unreachable(
        f"{name} cannot be read: {type(error).__name__}: {str(error).partition(chr(10))[0].partition(', url=')[0][:200]}"
    )


_ANY_KEY = "run the workers as a user who may read it"
_KEYS = {
    "s3fs": "give each worker AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role that may read it",
    "gcsfs": "give each worker GOOGLE_APPLICATION_CREDENTIALS, or a service account that may read it",
    "adlfs": "give each worker AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or an identity that may read it",
}
