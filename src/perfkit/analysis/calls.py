"""A deterministic profile as samples of two frames, caller and callee, so that everything after it works unchanged."""

from __future__ import annotations

from dataclasses import replace

from perfkit.model.recording import Recording, Sample, Samples, StackTable, Thread, Window


def as_samples(recording: Recording) -> Recording:
    """One sample per edge, its weight the callee's own seconds when called from there. Edges are all that cProfile keeps."""
    stacks, samples = StackTable(), Samples()
    process = recording.processes[0].id if recording.processes else 1
    for call in recording.calls:
        if call.self_seconds > 0:
            stack = stacks.intern((call.callee,) if call.caller is None else (call.caller, call.callee))
            samples.append(Sample(1, 1, stack, call.calls, call.self_seconds))
    run = recording.run
    return replace(
        recording,
        stacks=stacks,
        samples=samples,
        windows=(Window(1, process, "wall", 0.0, run.duration, 0.0, 1),),
        threads=(Thread(1, process, None, "MainThread"),),
        thread_usage=(),
    )
