"""Reports room: the sampled stacks as pprof reads them: profile.proto, gzipped.

https://github.com/google/pprof/blob/main/proto/profile.proto. A report comes in. Each stack goes out with the looks that
found it (of what was timed: how many there were) and its measured nanoseconds, and with its endpoint and what its thread
did (running, lock, io, sleep, …) as labels, for `-tagfocus` and `-tagroot`.
"""

from __future__ import annotations

import gzip

from perfkit.model.analysis import Analysis, StackTime
from perfkit.model.report import Report
from perfkit.reports.interface import RenderOptions
from perfkit.reports.pprof_wire import block, message, number, numbers
from perfkit.reports.samples import Sampled, sampled
from perfkit.reports.visible import visible

# Fields of the message Profile.
_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _STRING = 1, 2, 4, 5, 6
_TIME, _DURATION, _PERIOD_TYPE, _PERIOD, _COMMENT, _DEFAULT_TYPE = 9, 10, 11, 12, 13, 14
_NANO = 1e9


class _Strings:
    """The string table, in the order of use. The format wants the empty string first."""

    def __init__(self) -> None:
        self.numbers = {"": 0}

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def render(report: Report, options: RenderOptions) -> bytes:
    """Raises PerfkitError without stacks."""
    analysis = report.analysis
    found, strings = sampled(analysis, "pprof"), _Strings()
    parts = [
        _type(_SAMPLE_TYPE, "samples", "count", strings),
        _type(_SAMPLE_TYPE, "wall", "nanoseconds", strings),
        *(_sample(numbers_, time, strings) for numbers_, time in found.rows),
        *_functions(found, strings),
        *_circumstances(analysis, strings),
    ]
    parts += [block(_STRING, text.encode()) for text in strings.numbers]
    return gzip.compress(b"".join(parts), mtime=0)


def _type(field: int, what: str, unit: str, strings: _Strings) -> bytes:
    return message(field, number(1, strings(what)), number(2, strings(unit)))


def _sample(stack: tuple[int, ...], time: StackTime, strings: _Strings) -> bytes:
    """Locations count from 1, the leaf first."""
    labels = [_label("state", time.state, strings)]
    if time.endpoint:
        labels.append(_label("endpoint", visible(time.endpoint), strings))
    locations = numbers(1, (place + 1 for place in reversed(stack)))
    return message(_SAMPLE, locations, numbers(2, (time.n, round(time.seconds * _NANO))), *labels)


def _label(key: str, text: str, strings: _Strings) -> bytes:
    return message(3, number(1, strings(key)), number(2, strings(text)))


def _functions(found: Sampled, strings: _Strings) -> list[bytes]:
    """A location for each place, and a function for each name in a file."""
    known: dict[tuple[str, str], int] = {}
    parts = []
    for identity, place in enumerate(found.places, 1):
        shown = place.shown
        function = known.setdefault((shown.file, shown.name), len(known) + 1)
        line = message(4, number(1, function), number(2, shown.line))
        parts.append(message(_LOCATION, number(1, identity), line))
    # Without a system name: where both are the same pprof takes them for C++ and leaves out what stands in <>.
    parts += [
        message(_FUNCTION, number(1, identity), number(2, strings(name)), number(4, strings(file)))
        for (file, name), identity in known.items()
    ]
    return parts


def _circumstances(analysis: Analysis, strings: _Strings) -> list[bytes]:
    run = analysis.run
    return [
        number(_TIME, round(run.started * _NANO)),
        number(_DURATION, round(run.duration * _NANO)),
        _type(_PERIOD_TYPE, "wall", "nanoseconds", strings),
        number(_PERIOD, round(_NANO / run.rate) if run.rate else 1),
        numbers(_COMMENT, (strings(visible(run.command)), strings(f"perfkit {run.perfkit_version}, {analysis.unit}"))),
        number(_DEFAULT_TYPE, strings("wall")),
    ]
