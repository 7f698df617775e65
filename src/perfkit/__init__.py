"""perfkit: finds what slows a Python backend down and says what to fix first.

The public API, each name loaded when it is first used:

- `record(target, options, path)` measures a `Command` or a `RunningProcess` into a recording on disk;
- `load(path)` reads a recording; `analyse(recording)` divides its time; `judge(analysis)` names causes;
- `digest(logs)` reads a database's slow logs; `record_log(digested, path)` makes a recording of them;
- `report(path)` goes from a recording to its findings, and `render(report, format)` gives its text.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs --version a third of its time; type checkers know the name
if TYPE_CHECKING:
    from perfkit.analysis import analyse
    from perfkit.findings import judge
    from perfkit.pipeline.logs import digest, record_log
    from perfkit.pipeline.measuring import measure as record
    from perfkit.pipeline.reporting import render
    from perfkit.pipeline.reporting import report_of as report
    from perfkit.recordings.reader import load

__version__ = "0.1.0"

__all__ = ["__version__", "analyse", "digest", "judge", "load", "record", "record_log", "render", "report"]

_HOMES = {
    "analyse": "perfkit.analysis:analyse",
    "digest": "perfkit.pipeline.logs:digest",
    "judge": "perfkit.findings:judge",
    "load": "perfkit.recordings.reader:load",
    "record": "perfkit.pipeline.measuring:measure",
    "record_log": "perfkit.pipeline.logs:record_log",
    "render": "perfkit.pipeline.reporting:render",
    "report": "perfkit.pipeline.reporting:report_of",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'perfkit' has no attribute {name!r}")
    from importlib import import_module

    module, _, attribute = home.partition(":")
    return getattr(import_module(module), attribute)
