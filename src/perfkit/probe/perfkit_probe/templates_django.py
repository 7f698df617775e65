"""Django's templates, compiled inside a request, and rendered. Their names only."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .requests import COMPILE, RENDER, get_current, name, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHAT = "templates of Django"
_UNNAMED = "(a template from a string)"


def apply(module: Any) -> None:
    compiles = hooks.replaced(module.Template, "compile_nodelist", _compile)
    if not (hooks.replaced(module.Template, "render", _render) and compiles):
        spool.gap(_WHAT, "this version compiles or renders them in another way", "measure with Django 3.2 or newer")


def _compile(original: Any) -> Any:
    def compile_nodelist(self: Any) -> Any:
        return original(self) if get_current() is None or spool.closed else _compiled(original, self)

    return compile_nodelist


@frames.marked("span:compile")
def _compiled(original: Any, template: Any) -> Any:
    started = monotonic()
    try:
        return original(template)
    finally:
        _spent(COMPILE, template, started)


def _render(original: Any) -> Any:
    def render(self: Any, context: Any) -> Any:
        started = monotonic()
        try:
            return original(self, context)
        finally:
            _spent(RENDER, self, started)

    return render


def _spent(kind: int, template: Any, started: float) -> None:
    try:
        span(kind, name(str(template.name or _UNNAMED)), started, monotonic() - started)
    except Exception as error:
        spool.broken(_WHAT, error)
