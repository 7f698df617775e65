"""Room 8, reports: a `model.report.Report` comes in, the text of one format goes out as `str`, or `bytes` where it is binary.

Nothing here reads a file, measures or prints. `FORMATS` is the registry; third parties join by the entry-point group
`perfkit.reports`. `interface` says what an occupant must do. Shared inside the room: `relative` (paths as people know
them), `visible` (untrusted text made harmless), `phrases` (numbers in sentences), `stacks` and `samples` (sampled stacks as frames).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.shared.registry import Registry

if TYPE_CHECKING:
    from perfkit.reports.interface import DiffFormat, Format, GateFormat, RenderOptions

FORMATS: Registry[Format] = Registry(
    "report format",
    "perfkit.reports",
    {
        "terminal": "perfkit.reports.terminal:render",
        "concise": "perfkit.reports.concise:render",
        "json": "perfkit.reports.json_report:render",
        "markdown": "perfkit.reports.markdown:render",
        "html": "perfkit.reports.html.page:render",
        "speedscope": "perfkit.reports.speedscope:render",
        "collapsed": "perfkit.reports.collapsed:render",
        "pstats": "perfkit.reports.pstats:render",
        "pprof": "perfkit.reports.pprof:render",
        "chrome": "perfkit.reports.chrome_trace:render",
        "firefox": "perfkit.reports.firefox:render",
        "lprof": "perfkit.reports.lprof:render",
        "mprof": "perfkit.reports.mprof:render",
    },
)

# Of a gate's verdict, which is another noun: the same options, and text only.
GATE_FORMATS: Registry[GateFormat] = Registry(
    "format of a verdict",
    "perfkit.gate_reports",
    {
        "terminal": "perfkit.reports.gate_text:render",
        "json": "perfkit.reports.gate_json:render",
        "markdown": "perfkit.reports.gate_markdown:render",
        "github": "perfkit.reports.gate_github:render",
        "junit": "perfkit.reports.gate_junit:render",
        "sarif": "perfkit.reports.gate_sarif:render",
        "gitlab": "perfkit.reports.gate_gitlab:render",
        "openmetrics": "perfkit.reports.gate_openmetrics:render",
        "html": "perfkit.reports.gate_html:render",
    },
)

# Of what changed between two recordings.
DIFF_FORMATS: Registry[DiffFormat] = Registry(
    "format of a difference",
    "perfkit.diff_reports",
    {
        "terminal": "perfkit.reports.diff_text:render",
        "json": "perfkit.reports.diff_json:render",
        "html": "perfkit.reports.diff_html:render",
    },
)

# What shows single requests and spans takes them from the recording: a report holds sums only.
NEED_RECORDING = frozenset({"chrome"})

__all__ = [
    "DIFF_FORMATS",
    "FORMATS",
    "GATE_FORMATS",
    "NEED_RECORDING",
    "DiffFormat",
    "Format",
    "GateFormat",
    "RenderOptions",
]


def __getattr__(name: str) -> object:
    """The interface, loaded when it is asked for: the list of formats alone needs none of the nouns."""
    if name not in ("DiffFormat", "Format", "GateFormat", "RenderOptions"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from perfkit.reports import interface

    return getattr(interface, name)
