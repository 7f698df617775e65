"""Jinja2: templates compiled inside a request, and rendered. Their names only."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .requests import COMPILE, RENDER, get_current, name, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHAT = "templates of Jinja2"
_UNNAMED = "(a template from a string)"


def apply(module: Any) -> None:
    compiles = hooks.replaced(module.Environment, "compile", _compile)
    renders = hooks.replaced(module.Template, "render", _render)
    hooks.replaced(module.Template, "render_async", _render_async)
    if not (compiles and renders):
        spool.gap(_WHAT, "this version compiles or renders them in another way", "measure with Jinja2 3")
    # Its own tracebacks hide its own functions, and now these.
    for function in (module.Environment.compile, module.Template.render):
        module.internalcode(function)


def _compile(original: Any) -> Any:
    @frames.marked("span:compile")
    def compile_in_request(self: Any, source: Any, name_: Any, args: Any, kwargs: Any) -> Any:
        started = monotonic()
        try:
            return original(self, source, name_, *args, **kwargs)
        finally:
            _spent(COMPILE, name_, started)

    def compile(self: Any, source: Any, name: Any = None, *args: Any, **kwargs: Any) -> Any:
        if get_current() is None or spool.closed:
            return original(self, source, name, *args, **kwargs)
        return compile_in_request(self, source, name, args, kwargs)

    return compile


def _render(original: Any) -> Any:
    def render(self: Any, *args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        try:
            return original(self, *args, **kwargs)
        finally:
            _spent(RENDER, self.name, started)

    return render


def _render_async(original: Any) -> Any:
    async def render_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        try:
            return await original(self, *args, **kwargs)
        finally:
            _spent(RENDER, self.name, started)

    return render_async


def _spent(kind: int, template: Any, started: float) -> None:
    try:
        span(kind, name(str(template or _UNNAMED)), started, monotonic() - started)
    except Exception as error:
        spool.broken(_WHAT, error)
