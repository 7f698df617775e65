"""celery: each execution of a task as a request, in whatever pool; written to the spool when it ends, because children of a
pool leave without a farewell."""

from __future__ import annotations

import sys

from . import frames, hooks, spool
from .requests import TASK, Request, current, get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What a worker does with a task whose state this is: it was not done. One to be tried again is not lost yet.
_STATUS = {"FAILURE": 500, "REJECTED": 500, "RETRY": 503}


def apply(module: Any) -> None:
    if not hooks.replaced(module, "build_tracer", _traced):
        spool.gap("tasks of celery", "this version runs them in another way", "measure with celery 5")
    elif hooks.late:
        _those_that_are_there()


def _those_that_are_there() -> None:
    """A worker makes the tracers of its tasks once, when it starts."""
    for app in list(getattr(sys.modules.get("celery._state"), "_apps", ())):
        for name, task in list(dict(getattr(app, "_tasks", ())).items()):
            tracer = vars(task).get("__trace__")
            if tracer is not None and tracer.__module__ != __name__:
                hooks.put(task, "__trace__", _counted(tracer, frames.endpoint_text("", str(name))))


def _traced(original: Any) -> Any:
    def build_tracer(name: Any, task: Any, *args: Any, **kwargs: Any) -> Any:
        return _counted(original(name, task, *args, **kwargs), frames.endpoint_text("", str(name)))

    return build_tracer


def _counted(tracer: Any, endpoint: str) -> Any:
    @frames.marked("request")
    def trace_task(*args: Any, **kwargs: Any) -> Any:
        # A task called in the middle of another one, or of a request, is a part of it.
        if spool.closed or get_current() is not None:
            return tracer(*args, **kwargs)
        request = Request(TASK, endpoint)
        request.status = 500  # unless it comes back
        token = current.set(request)
        try:
            result = frames.route(endpoint)(tracer, args, kwargs)
            request.status = _status(result)
            return result
        finally:
            current.reset(token)
            request.end()
            spool.flush()

    return trace_task


def _status(result: Any) -> int:
    """Of what a tracer gives: value, information about what went wrong or None, seconds, text."""
    try:
        return 200 if result[1] is None else _STATUS.get(str(result[1].state), 200)
    except Exception as error:
        spool.broken("the outcome of tasks", error)
        return 0
