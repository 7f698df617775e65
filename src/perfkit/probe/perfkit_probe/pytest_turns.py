"""The near end of a suite's turns: a plugin of pytest that has collected the tests and runs those it is asked for, over and over.

Loaded by PYTEST_PLUGINS where perfkit compares two revisions, and nowhere else. perfkit listens on the socket that
PERFKIT_TARGET_TURNS names. Each line, both ways, is a JSON object:

    it says      {"tests": [names]}                            when all are collected
    it is asked  {"run": [names], "repeats": n}
    it answers   {"cpu": [seconds], "wall": [seconds]}         one of each repeat, of the call phases of all that were named
    or           {"failed": name, "when": phase, "why": text, "repeat": n}

Fixtures of a session live as long as the process; those of a module or class until a test of another one is asked for.
pytest itself is not imported here: a hook's options are an attribute of it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from time import perf_counter, process_time

try:
    from resource import RUSAGE_CHILDREN, getrusage
except ImportError:  # a platform without it
    getrusage = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

# In a container, where freezegun does not look for clocks to stop.
_CLOCKS = (perf_counter, process_time)
_MOST_WORDS = 300
_FIRST = {"tryfirst": True}
# Of this process alone: what it starts has suites of its own, perhaps.
_address = os.environ.pop("PERFKIT_TARGET_TURNS", "")
_plugins = os.environ.pop("PERFKIT_TARGET_PLUGINS", "")
if _address:
    if _plugins:
        os.environ["PYTEST_PLUGINS"] = _plugins
    else:
        os.environ.pop("PYTEST_PLUGINS", None)
# Of the call phases since the last look: CPU seconds, wall seconds; and what failed.
_taken = [0.0, 0.0]
_failures: list[tuple[str, str]] = []


def pytest_load_initial_conftests(early_config: Any) -> None:
    # Of what is timed: nobody's measure of its coverage.
    early_config.known_args_namespace.no_cov = True


pytest_load_initial_conftests.pytest_impl = _FIRST  # type: ignore[attr-defined]


def pytest_configure(config: Any) -> None:
    """Here, in this process, and on both sides alike: without xdist's workers, and with one seed for random orders."""
    for option, value in (("numprocesses", None), ("tx", []), ("dist", "no")):
        if hasattr(config.option, option):
            setattr(config.option, option, value)
    if hasattr(config.option, "randomly_seed"):
        config.option.randomly_seed = 1


pytest_configure.pytest_impl = _FIRST  # type: ignore[attr-defined]


def pytest_runtestloop(session: Any) -> Any:
    if not _address or session.testsfailed:
        return None  # what cannot be collected is told as always
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(_address)
        with connected.makefile("rw", encoding="utf-8") as lines:
            _serve(lines, {str(item.nodeid): item for item in session.items})
    return True


pytest_runtestloop.pytest_impl = _FIRST  # type: ignore[attr-defined]


def _serve(lines: Any, items: dict[str, Any]) -> None:
    _say(lines, {"tests": list(items)})
    for line in lines:
        asked = json.loads(line)
        _say(lines, _repeated([items[name] for name in asked["run"]], asked["repeats"]))


def _say(lines: Any, told: dict[str, Any]) -> None:
    lines.write(json.dumps(told) + "\n")
    lines.flush()


def _repeated(items: list[Any], repeats: int) -> dict[str, Any]:
    cpu, wall = [], []
    for repeat in range(repeats):
        _taken[:] = 0.0, 0.0
        for item in items:
            _run(item)
            if _failures:
                when, why = _failures[0]
                del _failures[:]
                return {"failed": item.nodeid, "when": when, "why": why, "repeat": repeat}
        cpu.append(_taken[0])
        wall.append(_taken[1])
    return {"cpu": cpu, "wall": wall}


def _run(item: Any) -> None:
    """With all that wraps a test: filters of warnings, explanations of what is asserted."""
    beside = _Beside(item)
    del getattr(item, "_report_sections", [])[:]  # what it printed the last time
    try:
        item.session._setupstate.teardown_exact(beside)  # of a test in another module
        item.ihook.pytest_runtest_protocol(item=item, nextitem=beside)
    except Exception as error:
        _failures.append(("teardown", _words(error)))


class _Beside:
    """Passes for the next test: one of the same class and module, so that their fixtures stay, and those of the test go."""

    def __init__(self, item: Any) -> None:
        self._item = item

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._item, attribute)

    def listchain(self) -> list[Any]:
        chain: list[Any] = self._item.listchain()
        return chain[:-1]


def pytest_runtest_protocol(item: Any, nextitem: Any) -> Any:
    """Nothing is reported of a run: only what fails is kept."""
    if not isinstance(nextitem, _Beside):
        return None
    for report in sys.modules["_pytest.runner"].runtestprotocol(item, log=False, nextitem=nextitem):
        if report.failed:
            _failures.append((report.when, _words(getattr(report.longrepr, "reprcrash", None) or report.longrepr)))
    return True


pytest_runtest_protocol.pytest_impl = _FIRST  # type: ignore[attr-defined]


def _words(error: Any) -> str:
    return " ".join(str(getattr(error, "message", None) or error).split())[:_MOST_WORDS]


def pytest_runtest_call(item: Any) -> Generator[None, None, None]:
    """The innermost of all that wraps the call: plugins are not what is compared."""
    wall_clock, cpu_clock = _CLOCKS
    children = _of_children()
    wall, cpu = wall_clock(), cpu_clock()
    yield
    used, took = cpu_clock() - cpu, wall_clock() - wall
    _taken[0] += used + _of_children() - children
    _taken[1] += took


pytest_runtest_call.pytest_impl = {"hookwrapper": True, "trylast": True}  # type: ignore[attr-defined]


def _of_children() -> float:
    """CPU seconds of processes that have ended and were waited for."""
    if getrusage is None:
        return 0.0
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
