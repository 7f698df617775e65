"""Counted calls: edges of each process come in, functions with their callers and callees go out, the most called first."""

from __future__ import annotations

from collections import Counter, defaultdict

from perfkit.model.counted import Counted, Neighbour, is_window
from perfkit.model.recording import Call, Frame, Recording


def read(recording: Recording) -> tuple[Counted, ...]:
    """The functions of which all calls were counted beside samples."""
    windows = [call for call in recording.calls if is_window(call.callee)]
    seconds = max((call.total_seconds for call in windows), default=0.0)
    requests = sum(call.calls for call in windows) or None
    followed = {call.callee for call in recording.calls if is_window(call.caller)}
    callers: defaultdict[Frame, Counter[Frame | None]] = defaultdict(Counter)
    callees: defaultdict[Frame, Counter[Frame | None]] = defaultdict(Counter)
    for call in recording.calls:
        if not is_window(call.caller) and not is_window(call.callee):
            callers[call.callee][call.caller] += call.calls
            if call.caller is not None:
                callees[call.caller][call.callee] += call.calls
    found = [
        Counted(
            function=frame,
            calls=callers[frame].total(),
            recursive=callers[frame][frame],
            callers=_sorted(callers[frame]),
            callees=_sorted(callees[frame]),
            seconds=seconds,
            requests=requests,
        )
        for frame in followed
    ]
    return tuple(sorted(found, key=lambda one: (-one.calls, one.function.file, one.function.line)))


def profile(recording: Recording) -> tuple[Call, ...]:
    """The calls of a deterministic profile, which ranks by them: empty where calls were counted beside samples."""
    return () if any(is_window(call.callee) for call in recording.calls) else recording.calls


def _sorted(by: Counter[Frame | None]) -> tuple[Neighbour, ...]:
    most = sorted(by.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(Neighbour(frame, calls) for frame, calls in most if calls)
