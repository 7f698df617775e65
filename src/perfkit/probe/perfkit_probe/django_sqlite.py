"""Django 4.0 and older on SQLite: its cursors name sqlite3's class where they mean the class above, and would pass ours by."""

from __future__ import annotations

from . import hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    wrapper = module.SQLiteCursorWrapper
    if "Database" in wrapper.execute.__code__.co_names:
        hooks.replaced(wrapper, "execute", _execute(wrapper))
        hooks.replaced(wrapper, "executemany", _executemany(wrapper))


def _execute(wrapper: Any) -> Any:
    def make(_: Any) -> Any:
        def execute(self: Any, query: Any, params: Any = None) -> Any:
            if params is None:
                return super(wrapper, self).execute(query)
            return super(wrapper, self).execute(self.convert_query(query), params)

        return execute

    return make


def _executemany(wrapper: Any) -> Any:
    def make(_: Any) -> Any:
        def executemany(self: Any, query: Any, param_list: Any) -> Any:
            return super(wrapper, self).executemany(self.convert_query(query), param_list)

        return executemany

    return make
