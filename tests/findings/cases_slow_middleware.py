"""slow-middleware: where the time between the server and the handlers goes."""

from __future__ import annotations

from rule_cases import Fires, Quiet

from perfkit.model.recording import Request, Span

_RULE = "slow-middleware"
DJANGO = (
    "handle_request@lib/gunicorn/workers/sync.py:1; request@<perfkit>:1; WSGIHandler.__call__@lib/django/core/handlers/wsgi.py:1; "
    "convert_exception_to_response.<locals>.inner@lib/django/core/handlers/exception.py:55"
)
INNER = "convert_exception_to_response.<locals>.inner@lib/django/core/handlers/exception.py:55"
VIEW = "BaseHandler._get_response@lib/django/core/handlers/base.py:197; route:GET /page@<perfkit>:1; page@views.py:3"
STARLETTE = (
    "run@std/asyncio/runners.py:1; RequestResponseCycle.run_asgi@lib/uvicorn/protocols/http/h11_impl.py:1; request@<perfkit>:1; "
    "Starlette.__call__@lib/starlette/applications.py:1; ServerErrorMiddleware.__call__@lib/starlette/middleware/errors.py:1"
)
AIOHTTP = (
    "run@std/asyncio/runners.py:1; _handle_request@lib/aiohttp/web_protocol.py:1; request@<perfkit>:1; route:GET /page@<perfkit>:1; "
    "Application._handle@lib/aiohttp/web_app.py:1"
)
FLASK = (
    "handle_request@lib/gunicorn/workers/sync.py:1; request@<perfkit>:1; Flask.__call__@lib/flask/app.py:1; "
    "Flask.wsgi_app@lib/flask/app.py:2; route:GET /page@<perfkit>:1; Flask.full_dispatch_request@lib/flask/app.py:3"
)
SOURCES = {
    "audit.py": """
    class Audit:
        def __call__(self, request):
            request.trail = trail(request)  #<trail>
            return self.get_response(request)  #<on>

    class Signed:
        async def __call__(self, scope, receive, send):
            check(scope)  #<check>
            await self.app(scope, receive, send)  #<asgi>

    async def timing(request, handler):
        started = sign(request)  #<sign>
        return await handler(request)  #<handler>
    """
}
REQUESTS = [Request("GET /page", n * 0.01, 0.01, 200, "probe", 1, n + 1, "wsgi") for n in range(100)]

FIRES = [
    Fires(
        "a Django middleware, in its own lines and below",
        _RULE,
        f"""
        {DJANGO}; Audit.__call__@audit.py#trail; trail@audit.py:90 20
        {DJANGO}; Audit.__call__@audit.py#trail; trail@audit.py:90; parse@lib/trails/read.py:7 20
        {DJANGO}; Audit.__call__@audit.py#on; {INNER}; {VIEW} 60
        """,
        function="Audit.__call__",
        at="audit.py#trail",
        share=0.4,
        sources=SOURCES,
        options={"requests": REQUESTS},
    ),
    Fires(
        "a process_response, with its statement",
        _RULE,
        f"""
        {DJANGO}; MiddlewareMixin.__call__@lib/django/utils/deprecation.py:134; Visits.process_response@visits.py:9 20
        {DJANGO}; {VIEW} 60
        """,
        function="Visits.process_response",
        at="visits.py:9",
        share=0.4,
        options={
            "requests": REQUESTS,
            "spans": [
                (
                    Span(1, n + 1, "sql", 0, 0, n * 0.01 + 0.001, 0.002),
                    "SELECT 1",
                    "Visits.process_response@visits.py:9",
                )
                for n in range(100)
            ],
        },
    ),
    Fires(
        "an ASGI middleware of the project's behind one of a library's",
        _RULE,
        f"""
        {STARLETTE}; Cors.__call__@lib/corslib/asgi.py:5; Signed.__call__@audit.py#check; check@audit.py:90 30
        {STARLETTE}; Signed.__call__@audit.py#check 20
        {STARLETTE}; Signed.__call__@audit.py#asgi; Router.__call__@lib/starlette/routing.py:1; match@lib/starlette/routing.py:2 50
        """,
        function="Signed.__call__",
        at="audit.py#check",
        share=0.2,
        sources=SOURCES,
        options={"requests": REQUESTS},
    ),
    Fires(
        "an aiohttp middleware, which runs below the route",
        _RULE,
        f"""
        {AIOHTTP}; timing@audit.py#sign; sign@audit.py:90 25
        {AIOHTTP}; timing@audit.py#handler; page@views.py:3 75
        """,
        function="timing",
        at="audit.py#sign",
        share=0.25,
        endpoint="GET /page",
        sources=SOURCES,
    ),
    Fires(
        "a hook before each request of Flask's",
        _RULE,
        f"""
        {FLASK}; Flask.preprocess_request@lib/flask/app.py:4; load_user@users.py:4; verify@lib/tokens/jwt.py:9 15
        {FLASK}; Flask.preprocess_request@lib/flask/app.py:4; load_user@users.py:4; verify@lib/tokens/jwt.py:10; digest@lib/tokens/hash.py:2 15
        {FLASK}; Flask.dispatch_request@lib/flask/app.py:5; page@views.py:3 70
        """,
        function="load_user",
        at="users.py:4",
        share=0.3,
        inside="verify@tokens",
        endpoint="GET /page",
    ),
]

QUIET = [
    Quiet("only the handler", _RULE, f"{DJANGO}; {INNER}; {VIEW} 100"),
    Quiet(
        "the framework's own middleware",
        _RULE,
        f"{DJANGO}; SessionMiddleware.__call__@lib/django/contrib/sessions/middleware.py:1; {INNER} 100",
    ),
    Quiet(
        "a function that both share, in the handler",
        _RULE,
        f"{DJANGO}; Audit.__call__@audit.py#on; {INNER}; {VIEW}; trail@audit.py:90 100",
        sources=SOURCES,
    ),
    Quiet(
        "routing behind a middleware",
        _RULE,
        f"{STARLETTE}; Signed.__call__@audit.py#asgi; Router.__call__@lib/starlette/routing.py:1; match@lib/starlette/routing.py:2 100",
        sources=SOURCES,
    ),
    Quiet(
        "a middleware that hardly costs anything",
        _RULE,
        f"{DJANGO}; Audit.__call__@audit.py#trail 2\n{DJANGO}; {VIEW} 98",
        sources=SOURCES,
    ),
    Quiet(
        "a deep copy in a middleware has its own rule",
        _RULE,
        f"{DJANGO}; Audit.__call__@audit.py#trail; deepcopy@std/copy.py:128 100",
        sources=SOURCES,
    ),
    Quiet("no probe: handlers cannot be told apart", _RULE, "django>; page@views.py:3 100"),
]
