"""Time spent turning objects into text or bytes and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.mechanism import Use, seen, uses
from perfkit.model.analysis import SpanUse, StackTime
from perfkit.model.finding import Advice, Confidence, Evidence, Inside
from perfkit.model.recording import Stack
from perfkit.shared.frameworks import short_name
from perfkit.shared.origin import module_path
from perfkit.shared.units import plural, size

SERIALISERS: Final[dict[str, frozenset[str]]] = {
    "json/__init__.py": frozenset({"dumps", "dump", "loads", "load"}),
    "simplejson/__init__.py": frozenset({"dumps", "dump", "loads", "load"}),
    "flask/json/provider.py": frozenset({"dumps", "loads", "response"}),
    "rest_framework/serializers.py": frozenset({"to_representation", "data", "to_internal_value"}),
    "rest_framework/renderers.py": frozenset({"render"}),
    "django/core/serializers/base.py": frozenset({"serialize"}),
    "marshmallow/schema.py": frozenset({"dump", "dumps", "load", "loads", "_serialize", "_do_load"}),
    "pydantic/main.py": frozenset(
        {"model_dump", "model_dump_json", "dict", "json", "model_validate", "parse_obj", "__init__"}
    ),
    "pydantic/type_adapter.py": frozenset({"validate_python", "validate_json", "dump_python", "dump_json"}),
    "pydantic/v1/main.py": frozenset({"dict", "json", "parse_obj", "__init__"}),
    "fastapi/routing.py": frozenset({"serialize_response"}),
    "fastapi/encoders.py": frozenset({"jsonable_encoder"}),
    "pickle.py": frozenset({"_dump", "_dumps", "_load", "_loads", "dump", "load"}),
    "yaml/__init__.py": frozenset({"load", "safe_load", "dump", "safe_dump", "load_all", "dump_all"}),
    "ruamel/yaml/main.py": frozenset({"load", "dump"}),
    "xml/etree/ElementTree.py": frozenset({"tostring", "fromstring", "parse", "write"}),
    "xml/dom/minidom.py": frozenset({"parseString", "toxml", "toprettyxml"}),
    "xmltodict.py": frozenset({"parse", "unparse"}),
    "bson/__init__.py": frozenset({"encode", "decode"}),
    "cattrs/converters.py": frozenset({"structure", "unstructure"}),
    "plistlib.py": frozenset({"dumps", "loads"}),
    "google/protobuf/internal/python_message.py": frozenset({"SerializeToString", "MergeFromString"}),
    "google/protobuf/json_format.py": frozenset({"MessageToDict", "ParseDict", "MessageToJson"}),
}
LEAST = 0.20
LEAST_PER_REQUEST = 0.001
# Below a serialiser of models lies the database: that time is not serialisation.
_DATABASE = ("django/db/", "sqlalchemy/", "peewee.py", "pymongo/", "psycopg", "tortoise/")


class Serialisation:
    """Turning objects into JSON, XML, YAML or models takes a large part of the time.

    **What it sees.** Responses that frameworks encode, each timed and with its bytes, and samples inside encoders, decoders
    and model serialisers, without the database work below them, charged to the project's line that asks for it, when they
    are 20 % and more of the time, and 1 ms and more of each request where requests are counted.

    **Why it hurts.** The cost grows with the payload: every field of every row is visited, often several times
    (model → dict → validation → text).

    **Before**

        return json.dumps([order.as_dict() for order in Order.all()])

    **After**

        return Response(orjson.dumps(rows), media_type="application/json")   # with only the columns that are shown

    **When to ignore it.** The service exists to produce the payload, it is already paged, and a faster encoder is in use.
    """

    name: ClassVar[str] = "serialisation"
    summary: ClassVar[str] = "encoding and decoding take a large part of the time"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        for use in uses(view, _outermost_serialiser, timed=("json",)):
            requests = view.analysis.requests
            if requests and use.seconds / requests < LEAST_PER_REQUEST:
                continue  # a large share of next to nothing
            yield Candidate(
                rule=self.name,
                title=f"Serialisation by {_mechanism(use)}" + (f" in {use.where.function}()" if use.where else ""),
                claim=use.claim,
                where=use.where,
                inside=use.inside,
                evidence=(*_payload(use), *seen(view, use, use.mechanism)),
                advice=Advice(_advice(use.inside)),
                saves=(0.3, 0.8),
                confidence=Confidence(
                    "high" if use.n >= 50 or use.count >= 50 else "medium",
                    f"{plural(use.count, 'response')} timed"
                    if use.count
                    else f"{view.observed(use.n)} lie inside the serialiser",
                ),
                least=LEAST,
            )


def _mechanism(use: Use) -> str:
    """A function with its brackets; what frameworks encode goes by the name of the span."""
    return use.mechanism if any(span.text == use.mechanism for span in use.spans) else f"{use.mechanism}()"


def _payload(use: Use) -> tuple[Evidence, ...]:
    """Bytes of a response. One response may be encoded in two steps, of which each has its bytes: the larger counts."""
    by_text: defaultdict[str, list[SpanUse]] = defaultdict(list)
    for span in use.spans:
        if span.rows:
            by_text[span.text].append(span)
    if not by_text:
        return ()
    spans = max(by_text.values(), key=lambda found: sum(span.rows or 0 for span in found))
    responses = sum(span.count for span in spans)
    each = sum(span.rows or 0 for span in spans) / responses
    return (Evidence(f"{size(each)} of JSON a response.", round(each), "bytes", n=responses, where=use.where),)


_GENERAL = (
    "send fewer fields and rows (page the result), encode once and keep the bytes, or use a faster encoder (orjson)"
)
_ADVICE = {
    "rest_framework": "use .values() or a plain serializer for lists, fewer nested fields, and page the result",
    "fastapi": "return a Response made by orjson for data that is already plain, and drop response_model re-validation",
    "pydantic": "validate once at the border and hand plain data on; TypeAdapter(list[...]) validates a list in one call",
    "yaml": "read YAML once at start, and with yaml.CSafeLoader (about ten times faster than the Python loader)",
    "marshmallow": "create the schema once, dump many=True, and leave out fields that nobody reads",
}


def _advice(inside: Inside | None) -> str:
    """By the serialiser; where another library encodes on the project's behalf, the project can only ask it less often."""
    family = _family(inside.file if inside else "")
    if family in _ADVICE or inside is None or module_path(inside.file) in SERIALISERS:
        return _ADVICE.get(family, _GENERAL)
    if inside.distribution and inside.distribution != "Python standard library":
        return f"{inside.distribution} encodes everything on each call: call it less often, in batches, or use another store"
    return _GENERAL


def _family(file: str) -> str:
    return module_path(file).partition("/")[0]


def _outermost_serialiser(frames: Stack, time: StackTime) -> int | None:
    found = None
    for index, frame in enumerate(frames):
        if frame.origin == "app":
            continue
        path = module_path(frame.file)
        if found is None and short_name(frame.function) in SERIALISERS.get(path, ()):
            found = index
        elif found is not None and path.startswith(_DATABASE):
            return None
    return found
