"""Compiles a module's source once as it is and once with hooks in the chosen functions, before Python 3.12.

In goes the source of a file and the first lines that are wanted; out come pairs of code, the plain and the hooked one. The
plain one tells whether the source is what runs. Hooks stand before each statement, at the end of a loop's and a `with`'s
body (the next step of the one and the end of the other are their header's time), and around what suspends the frame.
"""

from __future__ import annotations

import ast
import re
import warnings

from .zoom_hooks import Hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Callable

_FILE = "<perfkit zoom>"
_MARK = "\0perfkit zoom %d\0"
# The call's state: no source can have a variable of this name.
_VARIABLE = "<perfkit>"
# Who says one of these may look at all variables.
_LOOKS = ("locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe", "stack", "f_locals")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.Lambda, ast.ClassDef)
_COLLECTED = (ast.ListComp, ast.SetComp, ast.DictComp)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
Code = type((lambda: None).__code__)


class Pair:
    """Of one function's code. `nested` are the pairs of its code constants, in their order."""

    __slots__ = ("hooked", "name", "nested", "plain", "refused", "wanted")

    def __init__(self, plain: CodeType, hooked: CodeType, name: str) -> None:
        self.plain = plain
        self.hooked = hooked
        self.name = name
        self.nested: list[Pair] = []
        self.wanted = False
        self.refused = ""


def pairs(source: bytes, lines: set[int], body: Any = None) -> list[Pair]:
    """All pairs of the parts of a module in which one of `lines` is. Raises what compiling raises. `body` is a kind of `Body`."""
    silent = ("ignore", None, Warning, re.compile(re.escape(_FILE)), 0)
    warnings.filters.insert(0, silent)  # type: ignore[attr-defined]
    try:  # what there is to warn of was said when the target compiled it
        plain = _part(ast.parse(source, _FILE), lines)
        module = _part(ast.parse(source, _FILE), lines)
        chosen = _Chosen(lines, body or Body)
        chosen.visit(module)
        ast.fix_missing_locations(module)
        first = compile(plain, _FILE, "exec", dont_inherit=True)
        second = compile(module, _FILE, "exec", dont_inherit=True)
    finally:
        if silent in warnings.filters:
            warnings.filters.remove(silent)  # type: ignore[attr-defined]
    found: list[Pair] = []
    _walk(first, second, "", found, chosen.refused, lines)
    return found


def with_hooks(pair: Pair, live: CodeType, nested: dict[int, CodeType], hooks: Hooks) -> CodeType:
    """The code to run instead of `live`; `nested` says what stands in the place of its code constants."""
    inner = iter([nested.get(id(one), one) for one in constants(live)])
    consts: list[Any] = []
    for const in pair.hooked.co_consts:
        if type(const) is Code:
            consts.append(next(inner))
        else:
            consts.append(hooks if _is_mark(const) else const)
    return pair.hooked.replace(co_consts=tuple(consts), co_filename=live.co_filename, co_flags=live.co_flags)


def constants(code: CodeType) -> list[CodeType]:
    return [const for const in code.co_consts if type(const) is Code]


def _is_mark(const: object) -> bool:
    return type(const) is str and const.startswith(_MARK[:14])


def _part(module: ast.Module, lines: set[int]) -> ast.Module:
    """Functions do not depend on their neighbours: what is not wanted need not be compiled. They do on what the module
    imports: Python 3.11 calls functions of an imported module in another way."""
    module.body = [
        one
        for one in module.body
        if not isinstance(one, (*_FUNCTIONS, ast.ClassDef))
        or any(_first(one) <= line <= (one.end_lineno or one.lineno) for line in lines)
    ]
    return module


def _walk(
    plain: CodeType, hooked: CodeType, inside: str, found: list[Pair], refused: dict[int, str], lines: set[int]
) -> list[Pair]:
    here = []
    first, second = constants(plain), constants(hooked)
    if [one.co_name for one in first] != [one.co_name for one in second]:
        return []
    for one, other in zip(first, second):
        pair = Pair(one, other, inside + one.co_name)
        function = bool(one.co_flags & 0x2)  # CO_NEWLOCALS: no class
        inner = pair.name + (".<locals>." if function else ".")
        pair.nested = _walk(one, other, inner, found, refused, lines)
        pair.wanted = one.co_firstlineno in lines and any(map(_is_mark, other.co_consts))
        pair.refused = refused.get(one.co_firstlineno, "")
        if (one.co_freevars, one.co_cellvars) != (other.co_freevars, other.co_cellvars):
            pair.refused = pair.refused or "its closure would change"
        here.append(pair)
        found.append(pair)
    return here


def _first(node: Any) -> int:
    decorators = getattr(node, "decorator_list", None)
    return int(min([node.lineno, *(one.lineno for one in decorators or ())]))


class _Chosen(ast.NodeTransformer):
    """Goes through a module and puts hooks into what is wanted."""

    def __init__(self, lines: set[int], body: Any) -> None:
        self._lines = lines
        self._make = body
        self._count = 0
        self.refused: dict[int, str] = {}

    def _mark(self) -> str:
        self._count += 1
        return _MARK % self._count

    def _function(self, node: Any) -> Any:
        wanted = _first(node) in self._lines
        why = _unfit(node) if wanted else ""
        if why:
            self.refused[_first(node)] = why
        if wanted and not why:
            for field in ("decorator_list", "args", "returns"):
                value = getattr(node, field)
                if isinstance(value, ast.AST):
                    self.visit(value)
                elif value:
                    value[:] = [self.visit(one) for one in value]
            self._make(self._mark(), self.visit).function(node)
            return node
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self.generic_visit(node)
        if node.lineno in self._lines and not _suspends(node.body):
            hooks = self._mark()
            line = ast.Constant(node.body.lineno)
            began = _call(ast.Constant(hooks), "begin", node.body, line)
            node.body = _call(ast.Constant(hooks), "end", node.body, began, node.body, line)
        return node


def _unfit(node: Any) -> str:
    for one in _own(node.body):
        if isinstance(one, _COLLECTED) and _suspends(one):
            return "it awaits inside a comprehension, which runs apart before Python 3.12"
    return ""


def _suspends(node: ast.AST) -> bool:
    kinds = (ast.Await, ast.Yield, ast.YieldFrom)
    return any(
        isinstance(one, kinds) or (isinstance(one, ast.comprehension) and bool(one.is_async)) for one in _own([node])
    )


def _own(nodes: list[Any]) -> list[Any]:
    """What of it runs in the function's own frame, or in comprehensions."""
    rest, found = list(nodes), []
    while rest:
        one = rest.pop()
        found.append(one)
        if not isinstance(one, _SCOPES):
            rest.extend(ast.iter_child_nodes(one))
    return found


def _call(owner: Any, method: str, at: Any, *arguments: Any) -> Any:
    """`owner.method(...)`, at the place of `at`. `owner` is a mark, or makes the owner's expression."""
    made = ast.Call(ast.Attribute(owner, method, ast.Load()), list(arguments), [])
    return _placed(made, at)


def _placed(made: Any, at: Any) -> Any:
    for node in ast.walk(made):
        if isinstance(node, ast.expr) and not hasattr(node, "lineno"):
            ast.copy_location(node, at)
    return made


class Body(ast.NodeTransformer):
    """Puts hooks into the body of one function. What has a frame of its own goes to `outer`."""

    def __init__(self, hooks: str, outer: Callable[[Any], Any]) -> None:
        self._hooks = hooks
        self._outer = outer
        self._loops: list[int] = []
        self._managers: list[int] = []
        self._hidden = False
        self._suspended = False

    def _at(self) -> Any:
        """The expression for the call's state."""
        if self._hidden:
            return ast.Call(ast.Attribute(ast.Constant(self._hooks), "here", ast.Load()), [], [])
        return ast.Name(_VARIABLE, ast.Load())

    def function(self, node: Any) -> None:
        """try: …; finally: leave, which Python's own line table and tracebacks do not notice."""
        body = node.body
        kept = []
        if _is_text(body[0]):
            kept.append(body.pop(0))
        kept.extend(one for one in body if isinstance(one, (ast.Global, ast.Nonlocal)))
        body = [one for one in body if not isinstance(one, (ast.Global, ast.Nonlocal))]
        own = _own(body)
        self._hidden = any(getattr(one, "id", getattr(one, "attr", "")) in _LOOKS for one in own)
        self._suspended = any(isinstance(one, (ast.Await, ast.YieldFrom, ast.AsyncFor, ast.AsyncWith)) for one in own)
        body = self._block(body)
        last = [self._hook("leave_hidden" if self._hidden else "leave", node)]
        if self._suspended:
            last.insert(0, self._hook("shown", node))
        enter = _call(ast.Constant(self._hooks), "enter_hidden" if self._hidden else "enter", node)
        first: Any = ast.Expr(enter)
        if not self._hidden:
            first = ast.Assign([_placed(ast.Name(_VARIABLE, ast.Store()), node)], enter)
        kept.append(ast.copy_location(first, node))
        node.body = [*kept, ast.copy_location(ast.Try(body, [], [], last), node)] if body else [*kept, *last]

    def _hook(self, method: str, at: Any, *arguments: Any) -> Any:
        call = _call(self._at(), method, at, *arguments)
        return ast.copy_location(ast.Expr(call), at)

    def _line(self, line: int, at: Any) -> Any:
        return self._hook("line", at, ast.Constant(line))

    def _block(self, statements: list[Any], after: Any = None) -> list[Any]:
        made: list[Any] = []
        for one in statements:
            if _is_text(one):
                made.append(one)
                continue
            made.append(self._line(_first(one), _place(one)))
            if isinstance(one, ast.Continue) and self._loops and self._loops[-1]:
                made.append(self._line(self._loops[-1], one))
            if isinstance(one, ast.Return) and one.value is None and self._managers:
                made.append(self._line(self._managers[-1], one))
            made.append(self._own(one))
        if after is not None:
            made.append(self._line(after.lineno, _place(after)))
        return made

    def _own(self, node: Any) -> Any:
        if isinstance(node, _LOOPS):
            # A loop without a condition has nothing to do in its header.
            header = not (isinstance(node, ast.While) and isinstance(node.test, ast.Constant))
            self._loops.append(node.lineno if header else 0)
            self._fields(node, ("body",), node if header else None)
            self._loops.pop()
            self._fields(node, ("orelse",), None)
            return self.visit(node)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            self._managers.append(node.lineno)
            self._fields(node, ("body",), node)
            self._managers.pop()
            return self.visit(node)
        return self.visit(node)

    def _fields(self, node: Any, fields: tuple[str, ...], after: Any) -> None:
        for field in fields:
            if getattr(node, field):
                setattr(node, field, _Done(self._block(getattr(node, field), after)))

    def generic_visit(self, node: Any) -> Any:
        for field, value in ast.iter_fields(node):
            if isinstance(value, _Done):
                setattr(node, field, list(value))
            elif isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, field, self._block(value))
            elif isinstance(value, list):
                setattr(node, field, [self.visit(one) if isinstance(one, ast.AST) else one for one in value])
            elif isinstance(value, ast.AST):
                setattr(node, field, self.visit(value))
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        if node.type is not None:
            self.generic_visit(node)
            node.type = _call(self._at(), "passed", node.type, node.type, ast.Constant(node.lineno))
        else:
            self.generic_visit(node)
            node.body.insert(0, self._line(node.lineno, node.body[0]))
        if self._suspended:
            node.body.insert(0, self._hook("shown", node.body[0]))
        return node

    def visit_Return(self, node: ast.Return) -> Any:
        self.generic_visit(node)
        if self._managers and node.value is not None:
            node.value = _call(self._at(), "passed", node.value, node.value, ast.Constant(self._managers[-1]))
        return node

    def visit_Yield(self, node: ast.Yield) -> Any:
        self.generic_visit(node)
        value = node.value if node.value is not None else ast.copy_location(ast.Constant(None), node)
        node.value = _call(self._at(), "pause", value, value)
        return _call(self._at(), "resume", node, node)

    def visit_Await(self, node: ast.Await) -> Any:
        return self._replaced(node, "value", "awaiting")

    def visit_YieldFrom(self, node: ast.YieldFrom) -> Any:
        return self._replaced(node, "value", "delegating")

    def visit_AsyncFor(self, node: ast.AsyncFor) -> Any:
        return self._replaced(node, "iter", "iterating")

    def visit_AsyncWith(self, node: ast.AsyncWith) -> Any:
        self.generic_visit(node)
        for item in node.items:
            item.context_expr = _call(self._at(), "managing", item.context_expr, item.context_expr)
        return node

    def _replaced(self, node: Any, field: str, method: str) -> Any:
        self.generic_visit(node)
        value = getattr(node, field)
        setattr(node, field, _call(self._at(), method, value, value))
        return node

    def _scope(self, node: Any) -> Any:
        return self._outer(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _scope

    def _comprehension(self, node: Any) -> Any:
        """Its first iterable alone is evaluated here."""
        first = node.generators[0]
        first.iter = self.visit(first.iter)
        self._outer_parts(node, first)
        return node

    def _outer_parts(self, node: Any, first: Any) -> None:
        iterable = first.iter
        first.iter = ast.copy_location(ast.Constant(None), iterable)
        self._outer(node)
        first.iter = iterable

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


class _Done(list):  # type: ignore[type-arg]
    """Statements that have their hooks."""


def _place(node: Any) -> Any:
    """Where a hook stands: at the very line that it counts."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and node.decorator_list:
        return node.decorator_list[0]
    return node


def _is_text(node: Any) -> bool:
    """A docstring, or a constant by itself: no code comes of it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
