"""pytest: the call phase of each test, by its node id. What fixtures do before and after it is not the test's.

A test is never the current request: what its client asks of an application stays a request of its own, with its route. What
belongs to a test is what lies between its beginning and its end in its process, whichever thread did it.
"""

from __future__ import annotations

import sys
from itertools import count
from time import monotonic

from . import events, hooks, requests, spool
from .requests import IMPORT, TEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What leaves a test early and is no failure.
_OUTCOMES = ("Skipped", "XFailed")
_NO_SITE = 0
# Several threads may work for a test.
_NO_CPU = float("nan")
# Beyond those of requests, which are counted as what was served.
_numbers = count(1 << 31)
_under_way = False


def apply(module: Any) -> None:
    if not hooks.replaced(module, "pytest_runtest_call", _timed):
        spool.gap("tests of pytest", "this version runs them in another way", "measure with pytest 7 to 9")


def _timed(original: Any) -> Any:
    def pytest_runtest_call(item: Any) -> Any:  # pluggy asks for the argument's name
        global _under_way
        __tracebackhide__ = True
        if _under_way or spool.closed:  # a test that runs pytest itself
            return original(item)
        _under_way = True
        loaded = len(sys.modules)
        status = 500
        spool.tell_counts()
        started = monotonic()
        try:
            result = original(item)
            status = 200
            return result
        except BaseException as error:
            if type(error).__name__ in _OUTCOMES:
                status = 200
            raise
        finally:
            spool.tell_counts()
            seconds = monotonic() - started
            _under_way = False
            try:
                _keep(str(item.nodeid), started, seconds, status, loaded)
            except Exception as error:
                spool.broken("tests of pytest", error)

    return pytest_runtest_call


def _keep(name: str, started: float, seconds: float, status: int, loaded: int) -> None:
    """Each time with its name: a suite may have more tests than a process keeps names of endpoints."""
    for module in list(sys.modules)[loaded:]:
        if not module.startswith(__package__):
            imported = requests.name(module)
            spool.append(events.SPAN(b"S", IMPORT, 0, imported, _NO_SITE, started, 0.0, -1, 0))
    number = next(_numbers)
    spool.define("endpoint", number, name)
    spool.append(events.REQUEST(b"R", TEST, number, number, started, seconds, _NO_CPU, status, -1))
    spool.flush()  # a worker of xdist may be killed after its last test
