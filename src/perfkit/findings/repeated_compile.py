"""Time spent building the same thing again: regular expressions, templates, schemas, parsers, classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.mechanism import Use, seen, uses
from perfkit.model.analysis import SpanUse, StackTime
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Frame, Stack
from perfkit.shared.frameworks import short_name
from perfkit.shared.origin import module_path
from perfkit.shared.units import plural

# More often than this in a process is again and again.
AGAIN = 5

# file as its library calls it → (functions that build, what they build)
BUILDERS: Final[dict[str, tuple[frozenset[str], str]]] = {
    "re/_compiler.py": (frozenset({"compile"}), "regular expression"),
    "sre_compile.py": (frozenset({"compile"}), "regular expression"),
    "regex/regex.py": (frozenset({"_compile"}), "regular expression"),
    "regex/_main.py": (frozenset({"_compile"}), "regular expression"),
    "jinja2/environment.py": (frozenset({"from_string", "compile", "_parse"}), "Jinja template"),
    "django/template/base.py": (frozenset({"compile_nodelist"}), "Django template"),
    "mako/template.py": (frozenset({"_compile", "_compile_text", "_compile_module_file"}), "Mako template"),
    "chameleon/template.py": (frozenset({"cook", "_cook"}), "Chameleon template"),
    "genshi/template/base.py": (frozenset({"_parse"}), "Genshi template"),
    "tornado/template.py": (frozenset({"__init__"}), "Tornado template"),
    "jsonschema/validators.py": (frozenset({"check_schema", "create", "validator_for"}), "JSON schema"),
    "fastjsonschema/__init__.py": (frozenset({"compile", "compile_to_code"}), "JSON schema"),
    "lark/lark.py": (frozenset({"__init__", "open"}), "parser"),
    "ply/yacc.py": (frozenset({"yacc"}), "parser"),
    "ply/lex.py": (frozenset({"lex"}), "lexer"),
    "parsimonious/grammar.py": (frozenset({"__init__"}), "parser"),
    "pydantic/_internal/_model_construction.py": (frozenset({"__new__", "complete_model_class"}), "pydantic model"),
    "pydantic/type_adapter.py": (frozenset({"_init_core_attrs", "rebuild"}), "pydantic TypeAdapter"),
    "pydantic/main.py": (frozenset({"create_model"}), "pydantic model"),
    "dataclasses.py": (frozenset({"_process_class", "make_dataclass"}), "dataclass"),
    "attr/_make.py": (frozenset({"build_class", "make_class"}), "attrs class"),
    "collections/__init__.py": (frozenset({"namedtuple"}), "named tuple class"),
    "gettext.py": (frozenset({"_parse"}), "translation catalogue"),
    "cssselect/parser.py": (frozenset({"parse"}), "CSS selector"),
    "soupsieve/css_parser.py": (frozenset({"process_selectors"}), "CSS selector"),
    "urllib/robotparser.py": (frozenset({"parse"}), "robots.txt"),
    "ssl.py": (frozenset({"create_default_context"}), "TLS context"),
    "importlib/metadata/__init__.py": (frozenset({"entry_points", "distributions", "from_name"}), "package metadata"),
    "sqlalchemy/engine/create.py": (frozenset({"create_engine"}), "database engine"),
    "botocore/session.py": (frozenset({"create_client"}), "AWS client"),
    "httpx/_client.py": (frozenset({"__init__"}), "HTTP client"),
    "babel/support.py": (frozenset({"load"}), "translation catalogue"),
    "marshmallow/schema.py": (frozenset({"_init_fields"}), "marshmallow schema"),
    "pint/registry.py": (frozenset({"__init__"}), "unit registry"),
    "configparser.py": (frozenset({"_read"}), "configuration"),
}


class RepeatedCompile:
    """The same regular expression, template, schema, parser or class is built again and again.

    **What it sees.** Templates and regular expressions that requests compile, each compilation timed and counted, and
    samples inside the part of a library that compiles or builds, outside of imports, spread over the run. It is charged to
    the line that asks for the building.

    **Why it hurts.** Building costs a hundred to a thousand times what using the result costs. Python's `re` keeps 512
    patterns; a pattern made from data, or the 513th, is compiled on every call.

    **Before**

        def page():
            return Template(SOURCE).render(rows=rows())

    **After**

        TEMPLATE = Template(SOURCE)

        def page():
            return TEMPLATE.render(rows=rows())

    **When to ignore it.** Each built thing is different and used for long: then the building is the work.
    """

    name: ClassVar[str] = "repeated-compile"
    summary: ClassVar[str] = "a regex, template, schema, parser or class is built again and again"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        windows = {cluster for time in view.code for cluster in time.clusters}
        for use in uses(view, _outermost_builder, _what, ("compile", "regex"), _what_span):
            if not (_compiles_again(view, use) or _keeps_happening(use, len(windows))):
                continue
            where = f" in {use.where.function}()" if use.where else ""
            timed = f"{plural(use.count, 'compilation')} timed"
            sampled = f"{view.observed(use.n)}, spread over {len(use.clusters)} windows"
            inside = f"the building, in {len(use.clusters)} of {len(windows)} windows"
            yield Candidate(
                rule=self.name,
                title=f"{use.mechanism[0].upper()}{use.mechanism[1:]} built again and again{where}",
                claim=use.claim,
                where=use.where,
                inside=use.inside,
                evidence=(*_counted(view, use), *seen(view, use, inside)),
                advice=Advice(_advice(view, use)),
                saves=(0.8, 1.0),
                confidence=Confidence(
                    "high" if use.n >= 30 or use.count >= 30 else "medium", timed if use.count else sampled
                ),
                least=0.02,
            )


def _what_span(use: SpanUse) -> str:
    if use.kind == "regex":
        return "regular expression"
    return "template"


def _counted(view: View, use: Use) -> tuple[Evidence, ...]:
    """`Compiled 570 times in 570 requests`, with what is compiled most."""
    if not use.count:
        return ()
    text, most = _by_text(use).most_common(1)[0]
    said = f"Compiled {plural(use.count, 'time')} in {plural(min(_requests(view, use), use.count), 'request')}"
    named = "" if text.startswith("(") else f", `{text[:60]}` {plural(most, 'time')}"
    return (Evidence(f"{said}{named}.", use.count, "times", n=use.count, where=use.where),)


def _by_text(use: Use) -> Counter[str]:
    """How often each thing was compiled, by its name."""
    found: Counter[str] = Counter()
    for span in use.spans:
        found[span.text] += span.count
    return found


def _requests(view: View, use: Use) -> int:
    """One request compiles at several places: no more of them do than there were."""
    served = {e.endpoint: e.requests for e in view.analysis.endpoints if e.source == "probe" and e.requests}
    by_endpoint: Counter[str | None] = Counter()
    for span in use.spans:
        by_endpoint[span.endpoint] += span.requests
    return sum(min(n, served.get(endpoint or "", n)) for endpoint, n in by_endpoint.items())


def _advice(view: View, use: Use) -> str:
    """Templates that have a name come from a loader, which keeps them unless it is told not to."""
    loaded = any(not text.startswith("(") for text in _by_text(use))
    libraries = {
        module_path(frame.file).partition("/")[0]
        for span in use.spans
        if span.kind == "compile"
        for frame in view.analysis.stacks.expand(span.stack)
    }
    if loaded and "django" in libraries:
        return (
            "let Django keep compiled templates: put its loaders inside django.template.loaders.cached.Loader, or leave "
            "`loaders` out of OPTIONS, which does the same"
        )
    if loaded and "jinja2" in libraries:
        return "keep one jinja2.Environment for the whole process, with its cache (cache_size is not 0), and get_template from it"
    return f"build the {use.mechanism} once, at import or behind functools.cache, and use it again"


def _compiles_again(view: View, use: Use) -> bool:
    """Each process may compile a thing once. A pattern made from data has no name: requests that keep compiling tell."""
    processes = max(1, len(view.analysis.processes))
    named = {text: count for text, count in _by_text(use).items() if not text.startswith("(")}
    return max(named.values(), default=0) > AGAIN * processes or use.count > max(
        AGAIN * processes * max(1, len(named)), 0.1 * (view.analysis.requests or 0)
    )


def _outermost_builder(frames: Stack, time: StackTime) -> int | None:
    importing = False
    found = None
    for index, frame in enumerate(frames):
        if frame.file.startswith("<frozen importlib"):
            importing = True
        elif frame.origin != "app" and found is None and _what(frame):
            found = index
    # Building while a module is imported happens once.
    return None if importing else found


def _what(frame: Frame) -> str:
    functions, what = BUILDERS.get(module_path(frame.file), (frozenset(), ""))
    return what if short_name(frame.function) in functions else ""


def _keeps_happening(use: Use, windows: int) -> bool:
    """First requests build what later ones use: only what is seen all along is built again and again."""
    if use.count >= use.n:
        return False  # it was counted, and not often
    if windows < 3:
        return use.n >= 8
    return len(use.clusters) >= max(2, windows * 0.4)
