"""repeated-compile, serialisation, logging-cost, deepcopy-cost, import-time: mechanisms that are read off the stack."""

from __future__ import annotations

from rule_cases import Fires, Quiet

IMPORT = (
    "_find_and_load@<frozen importlib._bootstrap>:1176; _find_and_load_unlocked@<frozen importlib._bootstrap>:1147; "
    "_call_with_frames_removed@<frozen importlib._bootstrap>:241"
)

_COMPILE = "repeated-compile"
_SERIAL = "serialisation"
_LOG = "logging-cost"
_COPY = "deepcopy-cost"
_IMPORT = "import-time"

FIRES = [
    Fires(
        "pattern made from data, compiled for each request",
        _COMPILE,
        """
        flask>; search@shop.py:11; highlight@text.py:4; compile@std/re/__init__.py:227; _compile@std/re/__init__.py:294; compile@std/re/_compiler.py:743 20
        flask>; search@shop.py:11; highlight@text.py:4; compile@std/re/__init__.py:227; _compile@std/re/__init__.py:294; compile@std/re/_compiler.py:745; parse@std/re/_parser.py:955 20
        flask>; search@shop.py:12 60
        """,
        function="highlight",
        at="text.py:4",
        share=0.4,
        inside="compile@Python standard library",
        endpoint="search",
    ),
    Fires(
        "template from a string on each request",
        _COMPILE,
        """
        django>; invoice@billing.py:30; Environment.from_string@lib/jinja2/environment.py:1100; Environment.compile@lib/jinja2/environment.py:760; Environment._parse@lib/jinja2/environment.py:600 50
        django>; invoice@billing.py:31; Template.render@lib/jinja2/environment.py:1300 50
        """,
        function="invoice",
        at="billing.py:30",
        share=0.5,
        inside="Environment.from_string@Jinja2",
        endpoint="invoice",
    ),
    Fires(
        "schema checked again for each message of a script",
        _COMPILE,
        """
        script>; consume@jobs.py:9; validate@lib/jsonschema/validators.py:1300; check_schema@lib/jsonschema/validators.py:290; iter_errors@lib/jsonschema/validators.py:380 60
        script>; consume@jobs.py:10 40
        """,
        function="consume",
        at="jobs.py:9",
        share=0.6,
        inside="validate@jsonschema",
    ),
    Fires(
        "named tuple class made in a function",
        _COMPILE,
        """
        celery>; tally@tasks.py:17; namedtuple@std/collections/__init__.py:400 30
        celery>; tally@tasks.py:18 70
        """,
        function="tally",
        at="tasks.py:17",
        share=0.3,
        inside="namedtuple@Python standard library",
        endpoint="tally",
    ),
    Fires(
        "library of the project's that compiles again and again",
        _COMPILE,
        """
        fastapi>; route@api.py:5; Matcher.match@lib/pathmatch/matcher.py:40; compile@std/re/__init__.py:227; compile@std/re/_compiler.py:743 30
        fastapi>; route@api.py:6 70
        """,
        function="route",
        at="api.py:5",
        share=0.3,
        inside="Matcher.match@pathmatch",
        endpoint="route",
    ),
    Fires(
        "json of a large answer",
        _SERIAL,
        """
        flask>; listing@shop.py:20; dumps@std/json/__init__.py:238; encode@std/json/encoder.py:200; iterencode@std/json/encoder.py:258 40
        flask>; listing@shop.py:21 60
        """,
        function="listing",
        at="shop.py:20",
        share=0.4,
        inside="dumps@Python standard library",
        endpoint="listing",
    ),
    Fires(
        "YAML read on every request",
        _SERIAL,
        """
        django>; settings_page@admin.py:8; safe_load@lib/yaml/__init__.py:125; get_single_data@lib/yaml/constructor.py:49 30
        django>; settings_page@admin.py:8; safe_load@lib/yaml/__init__.py:125; compose_node@lib/yaml/composer.py:80 30
        django>; settings_page@admin.py:9 40
        """,
        function="settings_page",
        at="admin.py:8",
        share=0.6,
        inside="safe_load@PyYAML",
        endpoint="settings_page",
    ),
    Fires(
        "XML parsed by a script",
        _SERIAL,
        """
        script>; feed@feeds.py:3; fromstring@std/xml/etree/ElementTree.py:1338 90
        script>; feed@feeds.py:4 10
        """,
        function="feed",
        at="feeds.py:3",
        share=0.9,
        inside="fromstring@Python standard library",
    ),
    Fires(
        "rows logged one by one",
        _LOG,
        """
        flask>; sync@shop.py:40; info@std/logging/__init__.py:1489; emit@std/logging/__init__.py:1110; format@std/logging/__init__.py:953 30
        flask>; sync@shop.py:41 70
        """,
        function="sync",
        at="shop.py:40",
        share=0.3,
        inside="info@Python standard library",
        endpoint="sync",
    ),
    Fires(
        "loguru in a script",
        _LOG,
        """
        script>; crawl@crawl.py:12; info@lib/loguru/_logger.py:2078; _log@lib/loguru/_logger.py:2050; emit@lib/loguru/_handler.py:180 20
        script>; crawl@crawl.py:13 80
        """,
        function="crawl",
        at="crawl.py:12",
        share=0.2,
        inside="info@loguru",
    ),
    Fires(
        "a log handler of the project's",
        _LOG,
        """
        celery>; bill@tasks.py:5; warning@std/logging/__init__.py:1500; handle@std/logging/__init__.py:978; AuditHandler.emit@audit.py:30 40
        celery>; bill@tasks.py:6 60
        """,
        function="bill",
        at="tasks.py:5",
        share=0.4,
        inside="warning@Python standard library",
        endpoint="bill",
    ),
    Fires(
        "defaults copied for each request",
        _COPY,
        """
        flask>; quote@shop.py:7; deepcopy@std/copy.py:128; _deepcopy_dict@std/copy.py:231; deepcopy@std/copy.py:146 30
        flask>; quote@shop.py:8 70
        """,
        function="quote",
        at="shop.py:7",
        share=0.3,
        inside="deepcopy@Python standard library",
        endpoint="quote",
    ),
    Fires(
        "board copied for each move",
        _COPY,
        """
        script>; search@game.py:50; Board.moved@game.py:20; deepcopy@std/copy.py:128; _reconstruct@std/copy.py:271 60
        script>; search@game.py:51 40
        """,
        function="Board.moved",
        at="game.py:20",
        share=0.6,
        inside="deepcopy@Python standard library",
    ),
    Fires(
        "a library that copies on behalf of the project",
        _COPY,
        """
        django>; filters@shop.py:9; FilterSet.__init__@lib/django_filters/filterset.py:190; deepcopy@std/copy.py:128; deepcopy@std/copy.py:146 50
        django>; filters@shop.py:10 50
        """,
        function="filters",
        at="shop.py:9",
        share=0.5,
        inside="FilterSet.__init__@django_filters",
        endpoint="filters",
    ),
    Fires(
        "heavy import of a short script",
        _IMPORT,
        f"""
        <module>@main.py:3; {IMPORT}; <module>@lib/pandas/__init__.py:31; {IMPORT}; <module>@lib/pandas/core/api.py:1 60
        <module>@main.py:9; convert@main.py:6 40
        """,
        function="<module>",
        at="main.py:3",
        share=0.6,
        inside="<module>@pandas",
    ),
    Fires(
        "import inside a project module of its own",
        _IMPORT,
        f"""
        <module>@main.py:1; {IMPORT}; <module>@report.py:2; {IMPORT}; <module>@lib/plotting/__init__.py:9 70
        <module>@main.py:5 30
        """,
        function="<module>",
        at="report.py:2",
        share=0.7,
        inside="<module>@plotting",
    ),
    Fires(
        "import inside a request, seen in every window",
        _IMPORT,
        f"""
        flask>; export@shop.py:70; {IMPORT}; <module>@lib/openpyxl/__init__.py:5 40
        flask>; export@shop.py:71 60
        """,
        function="export",
        at="shop.py:70",
        share=0.4,
        inside="<module>@openpyxl",
        endpoint="export",
    ),
]

QUIET = [
    Quiet(
        "patterns compiled while modules are imported",
        _COMPILE,
        f"""
        <module>@main.py:1; {IMPORT}; <module>@rules.py:4; compile@std/re/__init__.py:227; compile@std/re/_compiler.py:743 60
        <module>@main.py:5; work@main.py:3 40
        """,
    ),
    Quiet(
        "built by the first requests only",
        _COMPILE,
        """
        windows 1; flask>; search@shop.py:11; compile@std/re/__init__.py:227; compile@std/re/_compiler.py:743 20
        flask>; search@shop.py:12 100
        """,
        options={"windows": 6},
    ),
    Quiet(
        "the compiled pattern at work",
        _COMPILE,
        """
        flask>; search@shop.py:11; sub@std/re/__init__.py:185 60
        flask>; search@shop.py:12 40
        """,
    ),
    Quiet(
        "a pattern found in the cache of re",
        _COMPILE,
        """
        flask>; search@shop.py:11; match@std/re/__init__.py:166; _compile@std/re/__init__.py:280 10
        flask>; search@shop.py:12 90
        """,
    ),
    Quiet(
        "templates rendered, not built",
        _COMPILE,
        """
        django>; page@shop.py:3; Template.render@lib/jinja2/environment.py:1300; root@<template>:30 70
        django>; page@shop.py:4 30
        """,
    ),
    Quiet(
        "a project's own compile function",
        _COMPILE,
        """
        script>; main@main.py:8; compile@re/_compiler.py:3 90
        script>; main@main.py:9 10
        """,
    ),
    Quiet(
        "json at 5 %",
        _SERIAL,
        """
        flask>; listing@shop.py:20; dumps@std/json/__init__.py:238; encode@std/json/encoder.py:200 5
        flask>; listing@shop.py:21 95
        """,
    ),
    Quiet(
        "the database below a REST framework serializer",
        _SERIAL,
        """
        django>; dispatch@lib/rest_framework/views.py:506; list@shop.py:5; data@lib/rest_framework/serializers.py:768; to_representation@lib/rest_framework/serializers.py:686; execute@lib/django/db/backends/utils.py:87 80
        django>; dispatch@lib/rest_framework/views.py:506; list@shop.py:6 20
        """,
    ),
    Quiet(
        "SQLAlchemy below a marshmallow dump",
        _SERIAL,
        """
        flask>; listing@shop.py:5; dump@lib/marshmallow/schema.py:550; get@lib/sqlalchemy/orm/attributes.py:487; do_execute@lib/sqlalchemy/engine/default.py:900 70
        flask>; listing@shop.py:6 30
        """,
    ),
    Quiet(
        "a project's own json.py",
        _SERIAL,
        """
        script>; main@main.py:8; dumps@json/__init__.py:3 90
        script>; main@main.py:9 10
        """,
    ),
    Quiet(
        "the server's own access log",
        _LOG,
        """
        run@lib/gunicorn/app/base.py:1; handle_request@lib/gunicorn/workers/sync.py:1; access@lib/gunicorn/glogging.py:350; info@std/logging/__init__.py:1489; emit@std/logging/__init__.py:1110 20
        flask>; index@shop.py:3 80
        """,
    ),
    Quiet(
        "a development server's request line",
        _LOG,
        """
        <module>@manage.py:3; run_wsgi@lib/werkzeug/serving.py:300; log_request@lib/werkzeug/serving.py:400; info@std/logging/__init__.py:1489; emit@std/logging/__init__.py:1110 20
        <module>@manage.py:3; run_wsgi@lib/werkzeug/serving.py:300; Flask.__call__@lib/flask/app.py:1; Flask.dispatch_request@lib/flask/app.py:3; index@shop.py:3 80
        """,
    ),
    Quiet(
        "a few log lines",
        _LOG,
        """
        flask>; index@shop.py:3; info@std/logging/__init__.py:1489; emit@std/logging/__init__.py:1110 3
        flask>; index@shop.py:4 97
        """,
    ),
    Quiet(
        "a level that is off",
        _LOG,
        """
        flask>; index@shop.py:3; debug@std/logging/__init__.py:1477 2
        flask>; index@shop.py:4 98
        """,
    ),
    Quiet(
        "one small copy",
        _COPY,
        """
        flask>; quote@shop.py:7; deepcopy@std/copy.py:128 2
        flask>; quote@shop.py:8 98
        """,
    ),
    Quiet(
        "shallow copies",
        _COPY,
        """
        flask>; quote@shop.py:7; copy@std/copy.py:84; _reconstruct@std/copy.py:259 60
        flask>; quote@shop.py:8 40
        """,
    ),
    Quiet(
        "a project's own deepcopy",
        _COPY,
        """
        script>; main@main.py:7; deepcopy@copy.py:5 60
        script>; main@main.py:8 40
        """,
    ),
    Quiet(
        "imports of a script that runs for long",
        _IMPORT,
        f"""
        windows 1; <module>@main.py:3; {IMPORT}; <module>@lib/pandas/__init__.py:31 60
        <module>@main.py:9; convert@main.py:6 940
        """,
        options={"windows": 10},
    ),
    Quiet(
        "a quick import of a short script",
        _IMPORT,
        f"""
        <module>@main.py:3; {IMPORT}; <module>@std/json/__init__.py:31 20
        <module>@main.py:9; convert@main.py:6 20
        """,
    ),
    Quiet(
        "a server that imports before it serves",
        _IMPORT,
        f"""
        windows 1; <module>@bin/gunicorn:8; load@lib/gunicorn/util.py:9; {IMPORT}; <module>@shop.py:3; {IMPORT}; <module>@lib/pandas/__init__.py:31 100
        windows 2-5; flask>; index@shop.py:9 100
        """,
    ),
    Quiet(
        "an import once, on the first request",
        _IMPORT,
        f"""
        windows 1; flask>; export@shop.py:70; {IMPORT}; <module>@lib/openpyxl/__init__.py:5 20
        flask>; export@shop.py:71 500
        """,
        options={"windows": 10},
    ),
]
