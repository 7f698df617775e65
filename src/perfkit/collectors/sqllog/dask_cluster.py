"""A Dask cluster: an address or a scheduler file comes in, futures and their values go out; what can fail there is a PerfkitError.

The only file that imports Dask. A scheduler is trusted: what its workers send is unpickled by Dask.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from perfkit.errors import USAGE, PerfkitError

try:
    from distributed import Client, KilledWorker
except ImportError:
    raise PerfkitError("--dask needs Dask, which is not installed.", "pip install 'perfkit[dask]'") from None

_CONNECTING = 5.0
PATIENCE = 60.0
"""Seconds without any worker: clusters that grow when there is work need some."""
_LOOK = 2.0
_AGAIN = 2
"""Times that a task is run once more: stores fail for a moment."""


@contextmanager
def connected(scheduler: str) -> Iterator[Cluster]:
    """Tasks that are still under way at the end are cancelled."""
    address = _address(scheduler)
    _quieten()
    try:
        client = Client(address, timeout=_CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = f" ({str(error).partition(chr(10))[0][:120]})" if isinstance(error, ValueError) else ""
        raise PerfkitError(
            f"no Dask scheduler answers at {address}{reason}.",
            "start one with `dask scheduler`, or give its address",
        ) from None
    cluster = Cluster(client, address)
    try:
        yield cluster
    finally:
        cluster.close()


class Cluster:
    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._futures: dict[str, Any] = {}
        self._announced: SimpleQueue[Any] = SimpleQueue()
        self._alive = monotonic()

    @property
    def threads(self) -> int:
        """Of all workers; 1 where none is there yet."""
        return sum(self._workers().values()) or 1

    def check_versions(self) -> None:
        """Raises PerfkitError where a worker has no perfkit, or another one."""
        if not self._workers():
            # What a cluster grows for must not need perfkit: a worker that cannot even read a task ends.
            self.value(self.submit(os.getpid))
        own = version_here()
        answers: dict[str, Any] = self._client.run(version_here, on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, Exception):
                raise _without_perfkit(f"the worker {worker}") if _lacks_perfkit(answer) else _failed(answer)
            if answer != own:
                raise PerfkitError(
                    f"the worker {worker} has perfkit {answer}, and this machine {own}.",
                    f"pip install perfkit=={own}, on each worker",
                )

    def submit(self, task: Callable[..., Any], *values: Any) -> Any:
        future = self._client.submit(task, *values, pure=False, retries=_AGAIN)
        self._futures[future.key] = future
        return future

    def announce(self, future: Any) -> None:
        """`next_announced` gives it once it ended."""
        future.add_done_callback(self._announced.put)

    def next_announced(self) -> Any:
        while True:
            try:
                return self._announced.get(timeout=_LOOK)
            except Empty:
                self._check_alive()

    def value(self, future: Any) -> Any:
        """Raises PerfkitError where the task failed."""
        while True:
            try:
                return future.result(timeout=_LOOK)
            except TimeoutError:
                if not future.done():
                    self._check_alive()
            except Exception as error:  # noqa: BLE001 (of a task, or of the way to it)
                raise self._said(error, future) from None

    def forget(self, futures: Sequence[Any]) -> None:
        """Workers keep what others hold."""
        for future in futures:
            self._futures.pop(future.key, None)

    def close(self) -> None:
        with suppress(Exception):
            left = [future for future in self._futures.values() if not future.done()]
            if left and self._client.status == "running":
                self._client.cancel(left, force=True)
        with suppress(Exception):
            self._client.close(timeout=_LOOK)

    def _workers(self) -> dict[str, int]:
        found: dict[str, int] = self._client.nthreads()
        return found

    def _check_alive(self) -> None:
        try:
            if self._client.status != "running":
                raise OSError
            if self._workers():
                self._alive = monotonic()
        except OSError:
            raise self._gone() from None
        if monotonic() - self._alive > PATIENCE:
            raise PerfkitError(
                f"the Dask cluster at {self._address} has had no worker for {PATIENCE:.0f} s.",
                f"start some where the logs can be read: dask worker {self._address}",
            )

    def _gone(self) -> PerfkitError:
        return PerfkitError(f"the Dask scheduler at {self._address} went away.", "look into its log, then start again")

    def _said(self, error: Exception, future: Any) -> PerfkitError:
        if isinstance(error, KilledWorker):
            return PerfkitError(
                "workers died again and again while they read the same part.",
                "look into their logs; give each more memory, or start fewer with --nthreads 1",
            )
        if _lacks_perfkit(error):
            return _without_perfkit("a worker")
        if future.status in ("cancelled", "lost") or isinstance(error, OSError):
            return self._gone()
        return _failed(error)


def version_here() -> str:
    """Of the perfkit that runs this: each worker says its own."""
    return str(import_module("perfkit").__version__)


def _quieten() -> None:
    """What fails is said once, by us: Dask would add pages of tracebacks. Its loggers have levels of their own."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _lacks_perfkit(error: Exception) -> bool:
    """Dask hands some errors on as themselves, others as the text of an Exception."""
    text = f"{type(error).__name__} {error}"
    return "perfkit" in text and ("ModuleNotFoundError" in text or "AttributeError" in text)


def _failed(error: Exception) -> PerfkitError:
    what = f"{error}" if type(error).__name__ == "Unreachable" else f"{type(error).__name__}: {error}"
    return PerfkitError(f"a worker failed: {what.partition(chr(10))[0][:300]}.", "look into the log of the workers")


def _without_perfkit(who: str) -> PerfkitError:
    return PerfkitError(
        f"{who} has no perfkit, or one that is too old.",
        f"pip install 'perfkit[dask]=={version_here()}', on each worker",
    )


def _address(scheduler: str) -> str:
    if "://" in scheduler or not (scheduler.endswith(".json") or Path(scheduler).is_file()):
        return scheduler
    try:
        return str(json.loads(Path(scheduler).read_bytes())["address"])
    except FileNotFoundError:
        raise PerfkitError(
            f"there is no scheduler file {scheduler}.",
            "start one with `dask scheduler --scheduler-file FILE`",
            USAGE,
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise PerfkitError(
            f"{scheduler} is no scheduler file.", "give what `dask scheduler --scheduler-file FILE` wrote", USAGE
        ) from None
