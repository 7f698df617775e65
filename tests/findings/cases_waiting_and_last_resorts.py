"""lock-wait, gil-contention, cpu-throttled, library-cost, hot-function."""

from __future__ import annotations

from rule_cases import Fires, Quiet

from perfkit.model.recording import MachineUsage

_LOCK = "lock-wait"
_GIL = "gil-contention"
_QUOTA = "cpu-throttled"
_LIBRARY = "library-cost"
_HOT = "hot-function"

CACHE = {
    "cache.py": """
    class Cache:
        def get(self, key):
            with self._lock:  #<take>
                value = self.load(key)  #<load>
                self.values[key] = value
            return value

        def load(self, key):
            return build(key)  #<build>
    """,
    "views.py": """
    def page(request):
        value = CACHE.get(request.path)  #<get>
        return render(value)  #<render>
    """,
}
REBUILD = {
    "index.py": """
    def rebuild_for_ever():
        while True:
            with INDEX_LOCK:
                for entry in everything():
                    score(entry)  #<score>

    def lookup(word):
        INDEX_LOCK.acquire()  #<acquire>
        try:
            return INDEX[word]  #<read>
        finally:
            INDEX_LOCK.release()
    """
}


_DJANGO = "handle_request@lib/gunicorn/workers/sync.py:1; request@<perfkit>:1; WSGIHandler.__call__@lib/django/core/handlers/wsgi.py:1"
_VIEW = "BaseHandler._get_response@lib/django/core/handlers/base.py:197; route:GET /page@<perfkit>:1"
_RENDER = "render@lib/perfkit/probe/perfkit_probe/templates_django.py:41"
_SERVED = "perfkit_application@lib/perfkit/probe/perfkit_probe/wsgi.py:29"


def throttled(share: float | None) -> tuple[MachineUsage, ...]:
    """Ten seconds of readings with so much throttling; None: no quota is set."""
    return tuple(
        MachineUsage(
            at=float(at),
            load=1.0,
            busy=float(at),
            steal=0.0,
            throttled=None if share is None else at * share,
            throttled_periods=None if share is None else round(at * 10 * share),
            periods=None if share is None else at * 10,
        )
        for at in range(11)
    )


FIRES = [
    Fires(
        "slow work inside a lock, two request threads",
        _LOCK,
        """
        thread A; django>; page@views.py#get; Cache.get@cache.py#load; Cache.load@cache.py#build 50
        thread B; django>; page@views.py#get; Cache.get@cache.py#take 40
        thread B; django>; page@views.py#render 10
        """,
        function="Cache.load",
        at="cache.py#build",
        share=0.4,
        sources=CACHE,
        endpoint="page",
    ),
    Fires(
        "background thread holds the lock that a request acquires",
        _LOCK,
        """
        thread rebuild; run@std/threading.py:975; rebuild_for_ever@index.py#score 100
        thread A; flask>; search@views.py:3; lookup@index.py#acquire 60
        thread A; flask>; search@views.py:4 40
        """,
        function="rebuild_for_ever",
        at="index.py#score",
        share=0.6,
        sources=REBUILD,
        endpoint="search",
    ),
    Fires(
        "the holder waits for a database inside the lock",
        _LOCK,
        """
        thread A; flask>; save@orders.py#query; execute@lib/dbdriver/cursor.py:10; recv@std/socket.py:700 100
        thread B; flask>; save@orders.py#take 100
        """,
        function="save",
        at="orders.py#query",
        share=0.5,
        inside="recv@Python standard library",
        sources={
            "orders.py": """
            def save(order):
                with sequence_lock:  #<take>
                    number = cursor.execute(NEXT)  #<query>
                order.number = number
            """
        },
        endpoint="save",
    ),
    Fires(
        "background computation beside request threads",
        _GIL,
        """
        thread stats; run@std/threading.py:975; crunch@stats.py:9 100
        thread A; flask>; index@views.py:3 100
        gil; thread stats; run@std/threading.py:975; crunch@stats.py:9 250
        gil; thread A; flask>; index@views.py:3 250
        """,
        function="crunch",
        at="stats.py:9",
        share=0.5,
        endpoint="index",
        options={"cpu": {"A": 0.5, "stats": 0.5}},
    ),
    Fires(
        "background library call that keeps the lock",
        _GIL,
        """
        thread exporter; run@std/threading.py:975; export_loop@metrics.py:20; encode@lib/metricslib/encoding.py:8 100
        thread A; django>; index@views.py:3 100
        gil; thread exporter; run@std/threading.py:975; export_loop@metrics.py:20; encode@lib/metricslib/encoding.py:8 200
        gil; thread A; django>; index@views.py:3 200
        """,
        function="export_loop",
        at="metrics.py:20",
        share=0.4,
        inside="encode@metricslib",
        endpoint="index",
        options={"cpu": {"A": 0.6, "exporter": 0.4}},
    ),
    Fires(
        "a third of the lock for housekeeping",
        _GIL,
        """
        thread sweeper; run@std/threading.py:975; sweep@cache.py:44 50
        thread sweeper; run@std/threading.py:975; wait@std/threading.py:629 50
        thread A; django>; index@views.py:3 100
        gil; thread sweeper; run@std/threading.py:975; sweep@cache.py:44 150
        gil; thread A; django>; index@views.py:3 350
        """,
        function="sweep",
        at="cache.py:44",
        share=0.3,
        endpoint="index",
        options={"cpu": {"A": 0.7, "sweeper": 0.3}},
    ),
    *(
        Fires(
            f"throttled for {share:.0%}, {entry}",
            _QUOTA,
            f"""
            {entry}>; work@jobs.py:3 100
            """,
            function="",
            at="",
            share=share,
            endpoint=endpoint,
            options={"machine": throttled(share)},
        )
        for share, entry, endpoint in ((0.4, "flask", "work"), (0.1, "celery", "work"), (0.25, "script", None))
    ),
    Fires(
        "one function of a library",
        _LIBRARY,
        """
        flask>; report@shop.py:8; render@lib/svgchart/draw.py:99; measure@lib/svgchart/text.py:12 60
        flask>; report@shop.py:9 40
        """,
        function="report",
        at="shop.py:8",
        share=0.6,
        inside="measure@svgchart",
        endpoint="report",
    ),
    Fires(
        "a library's function with the standard library below it",
        _LIBRARY,
        """
        script>; convert@convert.py:5; to_utc@lib/olddates/parse.py:70; strptime@std/_strptime.py:309 50
        script>; convert@convert.py:5; to_utc@lib/olddates/parse.py:71 20
        script>; convert@convert.py:6 30
        """,
        function="convert",
        at="convert.py:5",
        share=0.7,
        inside="to_utc@olddates",
    ),
    Fires(
        "reached from two lines of one function",
        _LIBRARY,
        """
        django>; cart@shop.py:4; price@lib/taxes/rates.py:15 40
        django>; cart@shop.py:5; price@lib/taxes/rates.py:15 20
        django>; cart@shop.py:6 40
        """,
        function="cart",
        at="shop.py:4",
        share=0.6,
        inside="price@taxes",
        endpoint="cart",
    ),
    Fires(
        "own lines of a project function",
        _HOT,
        """
        flask>; simulate@model.py:9 95
        flask>; index@views.py:4 5
        """,
        function="simulate",
        at="model.py:9",
        share=0.95,
        endpoint="simulate",
    ),
    Fires(
        "a request that sleeps",
        _HOT,
        """
        flask>; poll@views.py#sleep 100
        """,
        function="poll",
        at="views.py#sleep",
        share=1.0,
        endpoint="poll",
        sources={
            "views.py": """
            def poll(job):
                while not job.done:
                    time.sleep(0.1)  #<sleep>
            """
        },
    ),
    Fires(
        "library code of many functions below one of the project",
        _HOT,
        """
        script>; train@train.py:30; fit@lib/learner/tree.py:1 15
        script>; train@train.py:30; fit@lib/learner/tree.py:2; split@lib/learner/tree.py:3 15
        script>; train@train.py:30; fit@lib/learner/tree.py:2; score@lib/learner/tree.py:4 15
        script>; train@train.py:30; fit@lib/learner/tree.py:2; sort@lib/learner/sort.py:4 15
        script>; train@train.py:31 40
        """,
        function="train",
        at="train.py:30",
        share=1.0,
        inside="fit@learner",
    ),
    Fires(
        "an installed application behind the probe and the middleware of other packages",
        _HOT,
        f"""
        {_SERVED}; {_DJANGO}; Static.__call__@lib/static/middleware.py:9; {_VIEW}; page@lib/forum/views.py:3; render@lib/forum/show.py:7 95
        {_SERVED}; {_DJANGO}; Static.__call__@lib/static/middleware.py:9 5
        """,
        function="render",
        at="lib/forum/show.py:7",
        share=0.95,
        endpoint="GET /page",
    ),
    Fires(
        "an installed application in whose handlers an extension comes first",
        _HOT,
        f"""
        {_DJANGO}; {_VIEW}; dispatch@lib/toolbar/panel.py:9; view@lib/django/views/generic/base.py:7; page@lib/forum/views.py:3 84
        {_DJANGO}; {_VIEW}; dispatch@lib/toolbar/panel.py:9; view@lib/django/views/generic/base.py:7; other@lib/forum/views.py:9 4
        {_DJANGO}; {_VIEW}; dispatch@lib/toolbar/panel.py:9; view@lib/django/views/generic/base.py:7; third@lib/forum/views.py:20 3
        {_DJANGO}; {_VIEW}; dispatch@lib/toolbar/panel.py:9; process_response@lib/toolbar/panel.py:30 9
        """,
        function="page",
        at="lib/forum/views.py:3",
        share=0.84,
        endpoint="GET /page",
    ),
    Fires(
        "the probe between a function and the library below it",
        _HOT,
        f"""
        {_DJANGO}; {_VIEW}; page@views.py:3; Template.render@lib/django/template/base.py:174; {_RENDER}; span:sql@<perfkit>:1 50
        {_DJANGO}; {_VIEW}; page@views.py:3; Template.render@lib/django/template/base.py:174; {_RENDER}; Node.render@lib/django/template/base.py:9 50
        """,
        function="page",
        at="views.py:3",
        share=1.0,
        inside="Template.render@Django",
        endpoint="GET /page",
    ),
    Fires(
        "a generic view below a middleware that hands the request on",
        _HOT,
        f"""
        {_DJANGO}; Audit.__call__@audit.py:9; {_VIEW}; ListModelMixin.list@lib/rest_framework/mixins.py:43; QuerySet.get@lib/django/db/models/query.py:7 95
        {_DJANGO}; Audit.__call__@audit.py:8 5
        """,
        function="ListModelMixin.list",
        at="lib/rest_framework/mixins.py:43",
        share=0.95,
        inside="QuerySet.get@Django",
        endpoint="GET /page",
    ),
]

QUIET = [
    Quiet(
        "nobody holds the lock that is waited for",
        _LOCK,
        """
        thread A; django>; page@views.py#get; Cache.get@cache.py#take 50
        thread B; django>; page@views.py#render 50
        """,
        sources=CACHE,
    ),
    Quiet(
        "a worker waits for work",
        _LOCK,
        """
        thread pool_0; _bootstrap@std/threading.py:1; _worker@std/concurrent/futures/thread.py:81 100
        thread A; django>; page@views.py#get; Cache.get@cache.py#load; Cache.load@cache.py#build 100
        """,
        sources=CACHE,
    ),
    Quiet(
        "a lock that is held for next to nothing, taken by threads without a CPU",
        _LOCK,
        """
        thread A; django>; page@views.py#get; Cache.get@cache.py#load; Cache.load@cache.py#build 4
        thread A; django>; page@views.py#get; Cache.get@cache.py#take 20
        thread B; django>; page@views.py#get; Cache.get@cache.py#take 20
        thread A; django>; page@views.py#render 76
        thread B; django>; page@views.py#render 80
        """,
        sources=CACHE,
    ),
    Quiet(
        "a lock of another module, with the name that many have",
        _LOCK,
        """
        thread A; django>; page@views.py#render; flush@spool.py#flush 50
        thread B; django>; page@views.py#get; Cache.get@cache.py#take 50
        """,
        sources={
            **CACHE,
            "spool.py": """
            def flush():
                with _lock:
                    write(lines)  #<flush>
            """,
        },
    ),
    Quiet(
        "another lock is held meanwhile",
        _LOCK,
        """
        thread A; flask>; save@orders.py#inside 100
        thread B; flask>; page@views.py#get; Cache.get@cache.py#take 50
        """,
        sources={
            **CACHE,
            "orders.py": """
            def save(order):
                with sequence_guard:
                    order.number = take()  #<inside>
            """,
        },
    ),
    Quiet(
        "a lock that is hardly waited for",
        _LOCK,
        """
        thread A; django>; page@views.py#get; Cache.get@cache.py#load; Cache.load@cache.py#build 99
        thread B; django>; page@views.py#get; Cache.get@cache.py#take 1
        thread B; django>; page@views.py#render 98
        """,
        sources=CACHE,
    ),
    Quiet(
        "a background thread that mostly sleeps",
        _GIL,
        """
        thread beat; run@std/threading.py:975; wait@std/threading.py:629 98
        thread beat; run@std/threading.py:975; tick@beat.py:3 2
        thread A; flask>; index@views.py:3 100
        gil; thread A; flask>; index@views.py:3 400
        gil; thread beat; run@std/threading.py:975; tick@beat.py:3 5
        """,
        options={"cpu": {"A": 0.95, "beat": 0.02}},
    ),
    Quiet(
        "request threads among themselves",
        _GIL,
        """
        thread A; flask>; index@views.py:3 100
        thread B; flask>; index@views.py:3 100
        gil; thread A; flask>; index@views.py:3 250
        gil; thread B; flask>; index@views.py:3 250
        """,
        options={"cpu": {"A": 0.5, "B": 0.5}},
    ),
    Quiet(
        "a background thread that lets the requests run",
        _GIL,
        """
        thread stats; run@std/threading.py:975; crunch@stats.py:9 100
        thread A; flask>; index@views.py:3 100
        gil; thread stats; run@std/threading.py:975; crunch@stats.py:9 100
        gil; thread A; flask>; index@views.py:3 50
        """,
        options={"cpu": {"A": 0.99, "stats": 0.9}},
    ),
    Quiet(
        "threads of a script",
        _GIL,
        """
        script>; main@main.py:3 100
        thread w; run@std/threading.py:975; crunch@stats.py:9 100
        gil; thread w; run@std/threading.py:975; crunch@stats.py:9 400
        """,
        options={"cpu": {"MainThread": 0.2, "w": 0.8}},
    ),
    Quiet("no quota", _QUOTA, "flask>; index@views.py:3 100", options={"machine": throttled(None)}),
    Quiet("a quota that is not used up", _QUOTA, "flask>; index@views.py:3 100", options={"machine": throttled(0.0)}),
    Quiet("a moment of throttling", _QUOTA, "flask>; index@views.py:3 100", options={"machine": throttled(0.03)}),
    Quiet(
        "a library spread over many functions",
        _LIBRARY,
        """
        flask>; report@shop.py:8; a@lib/charts/a.py:1 15
        flask>; report@shop.py:8; b@lib/charts/b.py:1 15
        flask>; report@shop.py:8; c@lib/charts/c.py:1 15
        flask>; report@shop.py:9 55
        """,
    ),
    Quiet(
        "the framework itself",
        _LIBRARY,
        """
        django>; page@shop.py:8; Node.render@lib/django/template/base.py:900 60
        django>; page@shop.py:9 40
        """,
    ),
    Quiet(
        "a library that waits",
        _LIBRARY,
        """
        flask>; pay@shop.py:8; send@lib/paylib/client.py:20; recv_into@std/ssl.py:1166 80
        flask>; pay@shop.py:9 20
        """,
    ),
    Quiet(
        "explained by another rule",
        _HOT,
        """
        script>; unique@shop.py#search 95
        script>; unique@shop.py#append 5
        """,
        sources={
            "shop.py": """
            def unique(rows):
                seen = []
                for row in rows:
                    if row not in seen:  #<search>
                        seen.append(row)  #<append>
            """
        },
    ),
    Quiet(
        "time spread over twenty handlers",
        _HOT,
        "\n".join(f"flask>; view{i}@views.py:{i} 5" for i in range(1, 21)),
    ),
    Quiet(
        "a router that waits for its handler",
        _HOT,
        "fastapi>; request@<perfkit>:1; route:GET /page@<perfkit>:1; app@lib/fastapi/routing.py:175; send@lib/starlette/responses.py:9 100",
    ),
    Quiet(
        "an idle server",
        _HOT,
        """
        run@lib/gunicorn/app/base.py:1; run_for_one@lib/gunicorn/workers/sync.py:70; wait@lib/gunicorn/workers/sync.py:34 500
        """,
    ),
]
