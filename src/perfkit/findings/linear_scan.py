"""Reads from syntax that a statement walks or moves a whole collection: searches, shifts, copies, joins by hand.

What a collection is comes from the function's own text: a list where it is built as one, unknown where it is handed in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from perfkit.shared.pysource import Comprehension, Loop, Spot, names, targets

Type = Literal["list", "fixed", "set", "dict", "text", "bytes", "number", "unknown"]
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LIST_CALLS = {"list", "sorted", "split", "rsplit", "splitlines", "readlines", "values_list", "fetchall"}
_SET_CALLS = {"set", "frozenset"}
_METHOD_TYPES: dict[str, Type] = {
    **dict.fromkeys(("append", "extend"), "list"),
    **dict.fromkeys(("add", "discard", "union", "difference", "intersection", "issubset"), "set"),
    **dict.fromkeys(("setdefault", "get", "items", "keys", "values"), "dict"),
    **dict.fromkeys(("lower", "upper", "strip", "startswith", "endswith", "encode", "decode", "find"), "text"),
}
# What is called so is made to be looked up in.
_LOOKUP_NAME = re.compile(r"(?:^|_)(?:by|map|mapping|dict|index|set|cache|lookup|registry)(?:_|$)", re.IGNORECASE)
# Mappings of the standard library that are always called so.
_MAPPING_NAMES = {"environ", "modules", "__dict__"}
_DICT_CALLS = {"dict", "defaultdict", "Counter", "OrderedDict"}


@dataclass(frozen=True, slots=True)
class Scan:
    """One operation whose cost grows with the collection. `sure` is whether the text alone proves the collection's type;
    `own_loop` whether the operation is itself written as a loop. `loops` is to be added to the loops around the statement: 1
    for a comprehension that repeats the operation, -1 where the innermost loop is the operation. `replace` mends the line itself, `searched` names what could be a set."""

    what: str
    advice: str
    sure: bool
    own_loop: bool = False
    loops: int = 0
    replace: tuple[str, str] | None = None
    searched: str | None = None


def scans(spot: Spot) -> Iterator[Scan]:
    """The operations on the statement's own lines, surest first in the order of their kinds."""
    for node in spot.expressions():
        if isinstance(node, ast.Compare):
            yield from _membership(node, spot)
        elif isinstance(node, ast.Call):
            yield from _call(node, spot)
        elif isinstance(node, _COMPREHENSIONS):
            yield from _searching_comprehension(node, spot)
    yield from _growth(spot)
    yield from _searching_loop(spot)


def _membership(node: ast.Compare, spot: Spot) -> Iterator[Scan]:
    for operator, container in zip(node.ops, node.comparators, strict=True):
        if not isinstance(operator, ast.In | ast.NotIn):
            continue
        kind = type_of(container, spot)
        if kind not in ("list", "unknown") or isinstance(container, ast.List | ast.Tuple | ast.Constant):
            continue
        if _is_fresh(container, spot) or (kind == "unknown" and _is_constant(container)):
            continue
        text = ast.unparse(container)
        yield Scan(
            f"`in {text}` compares with every element",
            f"make `{text}` a set (or a dict), in which a search costs the same at any size",
            sure=kind == "list",
            loops=int(kind == "list" and _repeats(node, container, spot)),
            searched=text,
        )


def _is_constant(container: ast.expr) -> bool:
    """Named like a constant (`STOP_WORDS`, `module.ALLOWED`), whose size does not grow with the input, or like a mapping."""
    text = ast.unparse(container)
    name = text.rpartition(".")[2]
    return name.isupper() or text.startswith("string.") or bool(_LOOKUP_NAME.search(name))


def _is_fresh(container: ast.expr, spot: Spot) -> bool:
    """Whether the innermost loop or comprehension makes the collection anew each time round: each one is searched once."""
    if isinstance(container, ast.Subscript) and isinstance(container.slice, ast.Slice):
        container = container.value
    inner = [node for node in ast.walk(container) if isinstance(node, _COMPREHENSIONS)]
    own = set().union(*map(targets, inner))
    bound = [node for node in spot.expressions() if isinstance(node, _COMPREHENSIONS) and node not in inner]
    fresh = set().union(*map(targets, bound), _fresh_names(spot.loops[0]) if spot.loops else ())
    return bool((names(container) - own) & fresh)


def _fresh_names(loop: Loop) -> set[str]:
    """What a loop binds or assigns anew each time round, other than from itself."""
    fresh = targets(loop)
    for child in ast.walk(loop):
        if isinstance(child, ast.Assign) and not any(names(target) & names(child.value) for target in child.targets):
            fresh.update(*(names(target) for target in child.targets if isinstance(target, ast.Name | ast.Tuple)))
    return fresh


def _repeats(node: ast.AST, container: ast.expr, spot: Spot) -> bool:
    """Whether a comprehension of the statement evaluates `node` for each element, over a collection that it does not bind."""
    for outer in spot.expressions():
        if isinstance(outer, _COMPREHENSIONS) and outer is not node and not names(container) & targets(outer):
            first = outer.generators[0].iter
            if any(child is node for child in ast.walk(outer)) and not any(child is node for child in ast.walk(first)):
                return True
    return False


def _call(node: ast.Call, spot: Spot) -> Iterator[Scan]:
    function = node.func
    if isinstance(function, ast.Attribute):
        receiver = ast.unparse(function.value)
        kind = type_of(function.value, spot)
        first = node.args[0] if node.args else None
        zero = isinstance(first, ast.Constant) and first.value == 0
        if _is_fresh(function.value, spot):
            return
        if function.attr == "pop" and zero and kind in ("list", "unknown"):
            yield Scan(
                f"`{receiver}.pop(0)` moves every element",
                f"make `{receiver}` a collections.deque and use popleft()",
                sure=True,
                replace=(".pop(0)", ".popleft()"),
            )
        elif function.attr == "insert" and zero:
            yield Scan(
                f"`{receiver}.insert(0, …)` moves every element",
                f"make `{receiver}` a collections.deque and use appendleft(), or append and reverse once",
                sure=True,
                replace=(".insert(0, ", ".appendleft("),
            )
        elif function.attr in ("remove", "index", "count") and first is not None and kind in ("list", "unknown"):
            yield Scan(
                f"`{receiver}.{function.attr}()` searches from the start",
                f"keep a dict or set beside `{receiver}` that finds the element at once",
                sure=kind == "list",
                loops=int(kind == "list" and _repeats(node, function.value, spot)),
            )
        elif function.attr == "sort" and spot.loops:
            yield Scan(f"`{receiver}.sort()` sorts again each time round", _SORT_ADVICE, sure=True)
    elif isinstance(function, ast.Name) and len(node.args) == 1 and spot.loops:
        yield from _whole_call(function.id, node.args[0], spot)


_SORT_ADVICE = "sort once after the loop, or keep the order with bisect.insort or heapq"


def _whole_call(name: str, argument: ast.expr, spot: Spot) -> Iterator[Scan]:
    """A builtin that walks a collection which does not change with the loop around it."""
    if name == "sum" and isinstance(argument, ast.Name | ast.Attribute) is False:
        return
    changing = set().union(*(targets(loop) for loop in spot.loops))
    if names(argument) & changing or not isinstance(argument, ast.Name | ast.Attribute):
        return
    text = ast.unparse(argument)
    if name == "sorted":
        yield Scan(f"`sorted({text})` sorts again each time round", _SORT_ADVICE, sure=True)
    elif name in ("min", "max", "sum"):
        yield Scan(
            f"`{name}({text})` walks everything each time round",
            f"keep the running {name} as elements come and go (heapq for min and max)",
            sure=True,
        )
    elif name in ("list", "set", "tuple", "dict") and type_of(argument, spot) != "number":
        yield Scan(f"`{name}({text})` copies everything each time round", "build it once before the loop", sure=True)


def _searching_comprehension(node: Comprehension, spot: Spot) -> Iterator[Scan]:
    """`next(x for x in xs if x.id == wanted)`: a search written as a comprehension."""
    generator = node.generators[0]
    bound = names(generator.target)
    tests: list[ast.AST] = [*generator.ifs, *([node.elt] if isinstance(node, ast.GeneratorExp) else [])]
    if isinstance(generator.iter, ast.Call) or _is_fresh(generator.iter, spot):
        return
    if any(_compares(test, bound, spot.loops) for test in tests):
        text = ast.unparse(generator.iter)
        yield Scan(
            f"a comprehension searches all of `{text}`",
            f"build a dict from `{text}` once, keyed by what is compared, and look it up",
            sure=True,
            own_loop=True,
            loops=int(_repeats(node, generator.iter, spot)),
        )


def _compares(test: ast.AST, bound: set[str], around: Sequence[Loop]) -> bool:
    """Whether something bound by the loop is compared for equality with something that changes with the loops around."""
    changing: set[str] = set()
    for loop in around:
        if not isinstance(loop, ast.For | ast.AsyncFor):
            changing.update(names(test))
        else:
            changing |= _fresh_names(loop)
    for node in ast.walk(test):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            left, right = names(node.left), names(node.comparators[0])
            wanted = right if left & bound else left
            if bool(left & bound) != bool(right & bound) and (wanted & changing if around else wanted):
                return True
    return False


def _growth(spot: Spot) -> Iterator[Scan]:
    """Text, bytes or a list that is built by copying what there is so far, each time round."""
    statement = spot.statement
    if not spot.loops or _begun_anew(statement, spot.loops[0]):
        return
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
        target = ast.unparse(statement.target)
        kind = {type_of(statement.target, spot), type_of(statement.value, spot)}
        # CPython grows a local str in place (unicode_concatenate), but no bytes and no attribute.
        if "bytes" in kind or ("text" in kind and not isinstance(statement.target, ast.Name)):
            yield Scan(f"`{target} += …` copies what there is so far", _join_advice(target), sure=True)
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = ast.unparse(statement.targets[0])
        value = statement.value
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            parts = _operands(value)
            kind = {type_of(part, spot) for part in parts}
            if kind & {"text", "bytes", "list", "fixed"} and target in (ast.unparse(parts[0]), ast.unparse(parts[-1])):
                in_place = "text" in kind and len(parts) == 2 and isinstance(parts[0], ast.Name)
                if in_place and ast.unparse(parts[0]) == target:
                    return
                advice = f"use {target}.append() or .extend()" if "list" in kind else _join_advice(target)
                yield Scan(f"`{ast.unparse(statement)[:60]}` copies what there is so far", advice, sure=True)
        elif _unpacks(value, target):
            yield Scan(
                f"`{target} = {ast.unparse(value)[:60]}` copies what there is so far",
                f"change `{target}` in place: append(), update() or add()",
                sure=True,
            )
        elif (
            isinstance(value, ast.Subscript)
            and ast.unparse(value.value) == target
            and isinstance(value.slice, ast.Slice)
        ):
            yield Scan(
                f"`{target} = {target}[…]` copies the rest each time", "move an index, or use a deque", sure=True
            )
    elif isinstance(statement, ast.Delete) and any(ast.unparse(t).endswith("[0]") for t in statement.targets):
        yield Scan("`del …[0]` moves every element", "use a collections.deque and popleft()", sure=True)


def _operands(value: ast.expr) -> list[ast.expr]:
    """`a`, `b` and `c` of `a + b + c`."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return [*_operands(value.left), value.right]
    return [value]


def _begun_anew(statement: ast.stmt, loop: Loop) -> bool:
    """Whether what is grown begins anew with each round of the loop: then it never grows large."""
    grown = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(target, ast.Name) and target.id in _fresh_names(loop) for target in grown)


def _unpacks(value: ast.expr, target: str) -> bool:
    """`[*target, x]`, `{**target, key: x}`, f"{target}{x}"."""
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        return any(isinstance(part, ast.Starred) and ast.unparse(part.value) == target for part in value.elts)
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return any(key is None and ast.unparse(part) == target for key, part in pairs)
    if isinstance(value, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) and ast.unparse(part.value) == target for part in value.values)
    return False


def _join_advice(target: str) -> str:
    return f"collect the pieces in a list and join them once: {target} = ''.join(pieces)"


def _searching_loop(spot: Spot) -> Iterator[Scan]:
    """`for x in xs: if x.id == wanted:` where what is wanted comes from outside the loop."""
    statement = spot.statement
    loop = spot.loops[0] if spot.loops else None
    if isinstance(statement, ast.For):
        loop = statement
    if not isinstance(loop, ast.For):
        return
    tests = [child.test for child in loop.body if isinstance(child, ast.If)]
    on_line = isinstance(statement, ast.If) or statement is loop
    outer = set().union(*(targets(other) for other in spot.loops if other is not loop))
    around = [other for other in spot.loops if other is not loop]
    if on_line and any(_compares(test, targets(loop), around) for test in tests) and not names(loop.iter) & outer:
        text = ast.unparse(loop.iter)
        yield Scan(
            f"a loop searches all of `{text}`",
            f"build a dict from `{text}` once, keyed by what is compared, and look it up",
            sure=True,
            own_loop=True,
            loops=-1 if statement is not loop else 0,
        )


def type_of(node: ast.AST, spot: Spot) -> Type:
    """What the function's own text says about an expression's type."""
    direct = _literal_type(node)
    if direct != "unknown" or spot.function is None:
        return direct
    text = ast.unparse(node)
    found: set[Type] = set()
    keyed = False
    for child in ast.walk(spot.function):
        if isinstance(child, ast.Assign) and any(ast.unparse(target) == text for target in child.targets):
            found.add(_literal_type(child.value))
        elif (isinstance(child, ast.AnnAssign) and ast.unparse(child.target) == text) or (
            isinstance(child, ast.arg) and child.arg == text and child.annotation is not None
        ):
            found.add(_annotated(child.annotation))
        elif (
            isinstance(child, ast.Call)
            and isinstance(child.func, ast.Attribute)
            and ast.unparse(child.func.value) == text
        ):
            found.add(_METHOD_TYPES.get(child.func.attr, "unknown"))
        elif isinstance(child, ast.Subscript) and ast.unparse(child.value) == text:
            keyed = keyed or _is_key(child)
    found.discard("unknown")
    if keyed and not found:
        return "dict"
    return found.pop() if len(found) == 1 else "unknown"


def _is_key(node: ast.Subscript) -> bool:
    """Whether something is stored or deleted under a name or a text: lists are mostly filled by append."""
    return isinstance(node.ctx, ast.Store | ast.Del) and not isinstance(node.slice, ast.Slice | ast.UnaryOp | ast.BinOp)


def _literal_type(node: ast.AST) -> Type:
    if isinstance(node, ast.Tuple):
        return "fixed"
    if isinstance(node, ast.List | ast.ListComp):
        return "list"
    if isinstance(node, ast.Attribute) and node.attr in _MAPPING_NAMES:
        return "dict"
    if isinstance(node, ast.Set | ast.SetComp):
        return "set"
    if isinstance(node, ast.Dict | ast.DictComp):
        return "dict"
    if isinstance(node, ast.JoinedStr):
        return "text"
    if isinstance(node, ast.Constant):
        return "bytes" if isinstance(node.value, bytes) else "text" if isinstance(node.value, str) else "number"
    if isinstance(node, ast.BinOp):
        left = _literal_type(node.left)
        return left if left != "unknown" else _literal_type(node.right)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for calls, kind in ((_LIST_CALLS, "list"), (_SET_CALLS, "set"), (_DICT_CALLS, "dict")):
            if name in calls:
                return kind  # type: ignore[return-value]
        if name in ("str", "repr", "join", "format", "read", "decode", "dumps"):
            return "text"
        if name in ("bytes", "encode", "to_bytes", "pack"):
            return "bytes"
        if name in ("keys", "items", "globals", "locals", "vars"):
            return "dict"
        if name == "range":
            return "number"
    return "unknown"


def _annotated(annotation: ast.expr | None) -> Type:
    if annotation is None:
        return "unknown"
    head = ast.unparse(annotation).split("[")[0].rpartition(".")[2].lower()
    known: dict[str, Type] = {"list": "list", "sequence": "list", "tuple": "list", "set": "set", "frozenset": "set"}
    known |= {"dict": "dict", "mapping": "dict", "str": "text", "bytes": "bytes", "int": "number", "float": "number"}
    return known.get(head, "unknown")
