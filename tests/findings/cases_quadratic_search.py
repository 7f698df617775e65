"""quadratic-search: whole collections walked, moved or copied in a loop, and lines that only look like it."""

from __future__ import annotations

import textwrap

from rule_cases import Fires, Quiet, hot

RULE = "quadratic-search"
# Bodies of `def f(rows, other, self, x):`, hot at the mark.
MORE_THAT_FIRE = {
    "copy searched each time": "for r in rows:\n    if r in list(other):  #<hot>\n        pass",
    "one line": "seen = list()\nfor r in rows:\n    if r.id in seen: seen.append(r.id)  #<hot>",
    "text grown by two pieces": "out = ''\nfor r in rows:\n    out = out + r + x  #<hot>",
    "f-string of itself": "out = ''\nfor r in rows:\n    out = f'{out}{r}'  #<hot>",
    "text put before itself": "out = ''\nfor r in rows:\n    out = r + out  #<hot>",
    "list unpacked into itself": "out = []\nfor r in rows:\n    out = [*out, r]  #<hot>",
    "dict unpacked into itself": "out = {}\nfor r in rows:\n    out = {**out, r.id: r}  #<hot>",
    "filter for each": "for r in rows:\n    m = [o for o in other if o.id == r.id]  #<hot>",
    "dict of filters": "return {r.id: [o for o in other if o.id == r.id] for r in rows}  #<hot>",
    "sum over a filter for each": "return [sum(o.n for o in other if o.id == r.id) for r in rows]  #<hot>",
    "list of keys": "keys = list(other.keys())\nfor r in rows:\n    if r in keys:  #<hot>\n        pass",
    "values of a dict": "for r in rows:\n    if r in other.values():  #<hot>\n        pass",
    "list built to search it": "for r in rows:\n    if r in [o.id for o in other]:  #<hot>\n        pass",
    "index loops": "for i in range(len(rows)):\n    for j in range(len(other)):\n        if rows[i] == other[j]:  #<hot>\n            pass",
    "slice of what came before": "for i, r in enumerate(rows):\n    if r in rows[:i]:  #<hot>\n        pass",
    "asynchronous loop": "async for r in rows:\n    if r not in self.seen_list:  #<hot>\n        pass",
    "inside match": "match x:\n    case 1:\n        for r in rows:\n            if other.count(r) > 1:  #<hot>\n                pass",
    "inside try": "try:\n    for r in rows:\n        other.remove(r)  #<hot>\nfinally:\n    pass",
}
MORE_THAT_STAY_QUIET = {
    "attribute named like a mapping": "for r in rows:\n    if r in self._by_id:  #<hot>\n        pass",
    "index of a data frame": "for r in rows:\n    if r in other.index:  #<hot>\n        pass",
    "text of each element": "for r in rows:\n    if '=' in r.text:  #<hot>\n        pass",
    "tuple of names": "for r in rows:\n    if r.type in (A, B):  #<hot>\n        pass",
    "mapping chosen by the element": "for r in rows:\n    if x in other[r]:  #<hot>\n        pass",
    "constant by its name": "for r in rows:\n    if r.code in http.RETRIED:  #<hot>\n        pass",
    "digits": "for ch in x:\n    if ch in string.digits:  #<hot>\n        pass",
    "running maximum": "for r in rows:\n    n = max(n, r.size)  #<hot>",
    "maximum of each": "for r in rows:\n    n = max(r.sizes)  #<hot>",
    "attribute added up": "for r in rows:\n    x.total += r.cost  #<hot>",
    "offsets": "for r in rows:\n    offset = offset + len(r)  #<hot>",
    "each one copied": "for r in rows:\n    d = dict(r)  #<hot>",
    "text made for each": "for r in rows:\n    name = r.name + '.txt'  #<hot>",
    "loop variable put right": "for url in rows:\n    url = 'https://' + url  #<hot>",
    "text begun anew for each": "for r in rows:\n    line = ''\n    line += r.name  #<hot>",
    "text replaced": "for r in rows:\n    x = x.replace('a', r)  #<hot>",
    "cells of a grid": "for y in range(10):\n    for x in range(10):\n        if other[y][x] == 0:  #<hot>\n            n += 1",
    "first two of each": "for r in rows:\n    a, b = r.pop(0), r.pop(1)  #<hot>",
    "visited set of a walk": "while rows:\n    node = rows.pop()\n    if node.id in x.visited:  #<hot>\n        continue\n    x.visited.add(node.id)",
    "first match": "for r in rows:\n    if r == x:  #<hot>\n        return r",
    "type test": "for r in rows:\n    if isinstance(r, (int, str)):  #<hot>\n        pass",
}


def _fires(name: str, function: str, source: str) -> Fires:
    share = 0.9 if "#<cold>" in source else 1.0
    return Fires(name, RULE, function=function, at="shop.py#hot", share=share, **hot(function, source))


def _quiet(name: str, function: str, source: str) -> Quiet:
    return Quiet(name, RULE, **hot(function, source))


def _body(text: str) -> str:
    return "async def f(rows, other, self, x):\n" + textwrap.indent(text, "    ")


FIRES = [
    *(_fires(name, "f", _body(text)) for name, text in MORE_THAT_FIRE.items()),
    _fires(
        "membership in a list built in the function",
        "unique",
        """
        def unique(rows):
            seen = []
            for row in rows:
                if row.key not in seen:  #<hot>
                    seen.append(row.key)  #<cold>
            return seen
        """,
    ),
    _fires(
        "membership in a list attribute that the method appends to",
        "Crawler.visit",
        """
        class Crawler:
            def visit(self, links):
                for link in links:
                    if link in self.visited:  #<hot>
                        continue
                    self.visited.append(link)  #<cold>
        """,
    ),
    _fires(
        "membership in a list comprehension",
        "missing",
        """
        def missing(wanted, stock):
            names = [item.name for item in stock]
            return [w for w in wanted if w not in names]  #<hot>
        """,
    ),
    _fires(
        "queue emptied from the front",
        "drain",
        """
        def drain(queue):
            done = 0
            while queue:
                queue.pop(0)  #<hot>
                done += 1  #<cold>
            return done
        """,
    ),
    _fires(
        "list.insert at the front",
        "newest_first",
        """
        def newest_first(events):
            timeline = []
            for event in events:
                timeline.insert(0, event)  #<hot>
            return timeline
        """,
    ),
    _fires(
        "bytes grown by +=",
        "receive",
        """
        def receive(chunks):
            body = b""
            for chunk in chunks:
                body += chunk  #<hot>
            return body
        """,
    ),
    _fires(
        "text grown by +=",
        "to_csv",
        """
        def to_csv(self, rows):
            self.out = ""
            for row in rows:
                self.out += ",".join(row)  #<hot>
                count(row)  #<cold>
            return self.out
        """,
    ),
    _fires(
        "list copied to add one",
        "collect",
        """
        def collect(rows):
            kept = []
            for row in rows:
                kept = kept + [row]  #<hot>
            return kept
        """,
    ),
    _fires(
        "any() over a list for each row",
        "mark_known",
        """
        def mark_known(rows, customers):
            for row in rows:
                row.known = any(c.email == row.email for c in customers)  #<hot>
                row.save()  #<cold>
        """,
    ),
    _fires(
        "next() over a list for each row",
        "attach_prices",
        """
        def attach_prices(rows, prices):
            for row in rows:
                row.price = next((p for p in prices if p.sku == row.sku), None)  #<hot>
        """,
    ),
    _fires(
        "index in a loop",
        "positions",
        """
        def positions(words):
            order = sorted(words)
            out = []
            for word in words:
                out.append(order.index(word))  #<hot>
            return out
        """,
    ),
    _fires(
        "count in a comprehension",
        "histogram",
        """
        def histogram(text):
            words = text.split()
            return {w: words.count(w) for w in words}  #<hot>
        """,
    ),
    _fires(
        "remove in a loop",
        "Scheduler.cancel_all",
        """
        class Scheduler:
            def cancel_all(self, jobs):
                waiting = list(self.jobs)
                for job in jobs:
                    waiting.remove(job)  #<hot>
                    job.cancel()  #<cold>
        """,
    ),
    _fires(
        "search loop inside a loop",
        "join_by_hand",
        """
        def join_by_hand(orders, customers):
            for order in orders:
                for customer in customers:
                    if customer.id == order.customer_id:  #<hot>
                        order.customer = customer  #<cold>
                        break
        """,
    ),
    _fires(
        "sorted again each time round",
        "Board.submit",
        """
        class Board:
            def submit(self, scores):
                best = []
                for score in scores:
                    best.append(score)
                    best = sorted(best)  #<hot>
                return best
        """,
    ),
    _fires(
        "minimum of the open list each time round",
        "shortest_path",
        """
        def shortest_path(graph, start):
            frontier = [start]
            while frontier:
                node = min(frontier)  #<hot>
                frontier.remove(node)
                frontier.extend(graph[node])  #<cold>
        """,
    ),
    _fires(
        "the rest of the text copied each time round",
        "tokens",
        """
        def tokens(text):
            while text:
                head = match(text)
                yield head
                text = text[len(head):]  #<hot>
        """,
    ),
    _fires(
        "annotated list argument",
        "keep",
        """
        def keep(ids: list[int], allowed: list[int]) -> list[int]:
            return [i for i in ids if i in allowed]  #<hot>
        """,
    ),
    _fires(
        "tuple grown by adding",
        "trail",
        """
        def trail(steps):
            path = ()
            for step in steps:
                path = path + (step,)  #<hot>
            return path
        """,
    ),
    _fires(
        "list of unknown type that is nearly all of its function",
        "allowed",
        """
        def allowed(rows, names):
            out = []
            for row in rows:
                if row.name in names:  #<hot>
                    out.append(row)  #<cold>
        """,
    ),
    _fires(
        "comprehension inside a comprehension",
        "lines_of",
        """
        def lines_of(invoices, lines):
            return [[l for l in lines if l.invoice == invoice.id] for invoice in invoices]  #<hot>
        """,
    ),
    Fires(
        "linear search on every request",
        RULE,
        """
        django>; detail@shop.py#call; find@shop.py#search; find.<locals>.<genexpr>@shop.py#search 60
        django>; detail@shop.py#render 40
        """,
        function="find",
        at="shop.py#search",
        share=0.6,
        endpoint="detail",
        sources={
            "shop.py": """
            def find(slug):
                return next(page for page in PAGES if page.slug == slug)  #<search>

            def detail(request, slug):
                page = find(slug)  #<call>
                return render(request, page)  #<render>
            """
        },
    ),
    Fires(
        "helper method called in a loop of another function",
        RULE,
        """
        script>; load@shop.py#call; Registry.add@shop.py#search 80
        script>; load@shop.py#call; Registry.add@shop.py#append 10
        script>; load@shop.py#parse 10
        """,
        function="Registry.add",
        at="shop.py#search",
        share=0.8,
        sources={
            "shop.py": """
            class Registry:
                def add(self, entry):
                    if entry not in self.entries:  #<search>
                        self.entries.append(entry)  #<append>

            def load(registry, file):
                for line in file:
                    entry = line.strip()  #<parse>
                    registry.add(entry)  #<call>
            """
        },
    ),
    Fires(
        "comparison in Python above the searching line",
        RULE,
        """
        script>; merge@shop.py#search; Money.__eq__@money.py#eq 70
        script>; merge@shop.py#search 20
        script>; merge@shop.py#append 10
        """,
        function="merge",
        at="shop.py#search",
        share=0.9,
        sources={
            "shop.py": """
            def merge(left, right):
                merged = list(left)
                for amount in right:
                    if amount not in merged:  #<search>
                        merged.append(amount)  #<append>
                return merged
            """,
            "money.py": """
            class Money:
                def __eq__(self, other):
                    return self.cents == other.cents  #<eq>
            """,
        },
    ),
    Fires(
        "generator's own frame above the searching line, in a request",
        RULE,
        """
        flask>; checkout@shop.py#call; price_all@shop.py#search; price_all.<locals>.<genexpr>@shop.py#search 60
        flask>; checkout@shop.py#call; price_all@shop.py#search 20
        flask>; checkout@shop.py#render 20
        """,
        function="price_all",
        at="shop.py#search",
        share=0.8,
        endpoint="checkout",
        sources={
            "shop.py": """
            def price_all(lines, prices):
                for line in lines:
                    line.price = next(p.cents for p in prices if p.sku == line.sku)  #<search>

            def checkout():
                price_all(basket(), prices())  #<call>
                return page()  #<render>
            """
        },
    ),
    Fires(
        "library's hot line, reached from the project",
        RULE,
        """
        django>; export@shop.py#call; Table.rows@lib/tablefmt/table.py#loop; Table.widths@lib/tablefmt/table.py#search 70
        django>; export@shop.py#other 30
        """,
        function="export",
        at="shop.py#call",
        share=0.7,
        inside="Table.widths@tablefmt",
        endpoint="export",
        sources={
            "shop.py": """
            def export(request):
                table = Table(query())  #<other>
                return table.rows()  #<call>
            """,
            "lib/tablefmt/table.py": """
            class Table:
                def rows(self):
                    for row in self.data:
                        self.widths(row)  #<loop>

                def widths(self, row):
                    order = list(self.columns)
                    for cell in row:
                        self.width[order.index(cell.column)] = len(cell)  #<search>
            """,
        },
    ),
    Fires(
        "recursion that searches a path",
        RULE,
        """
        script>; walk@shop.py#again; walk@shop.py#again; walk@shop.py#search 60
        script>; walk@shop.py#again; walk@shop.py#search 25
        script>; walk@shop.py#again 15
        """,
        function="walk",
        at="shop.py#search",
        share=0.85,
        sources={
            "shop.py": """
            def walk(node, seen: list):
                for child in node.children:
                    if child in seen:  #<search>
                        continue
                    seen.append(child)
                    walk(child, seen)  #<again>
            """
        },
    ),
    Fires(
        "search in a function that a comprehension calls",
        RULE,
        """
        script>; report@shop.py#call; report.<locals>.<listcomp>@shop.py#call; rank_of@shop.py#search 90
        script>; report@shop.py#call; report.<locals>.<listcomp>@shop.py#call 10
        """,
        function="rank_of",
        at="shop.py#search",
        share=0.9,
        sources={
            "shop.py": """
            def rank_of(player, table: list):
                return table.index(player)  #<search>

            def report(players, table):
                return [rank_of(p, table) for p in players]  #<call>
            """
        },
    ),
    Fires(
        "class-level list",
        RULE,
        """
        script>; feed@shop.py#call; Dedupe.accept@shop.py#search 90
        script>; feed@shop.py#call; Dedupe.accept@shop.py#append 10
        """,
        function="Dedupe.accept",
        at="shop.py#search",
        share=0.9,
        sources={
            "shop.py": """
            class Dedupe:
                history = []

                def accept(self, item):
                    if item in self.history:  #<search>
                        return False
                    self.history.append(item)  #<append>
                    return True

            def feed(dedupe, items):
                for item in items:
                    dedupe.accept(item)  #<call>
            """
        },
    ),
]

QUIET = [
    *(_quiet(name, "f", _body(text)) for name, text in MORE_THAT_STAY_QUIET.items()),
    _quiet(
        "membership in a set built in the function",
        "unique",
        """
        def unique(rows):
            seen = set()
            for row in rows:
                if row.key not in seen:  #<hot>
                    seen.add(row.key)  #<cold>
        """,
    ),
    _quiet(
        "membership in a dict built in the function",
        "group",
        """
        def group(rows):
            groups = {}
            for row in rows:
                if row.key not in groups:  #<hot>
                    groups[row.key] = []
                groups[row.key].append(row)  #<cold>
        """,
    ),
    _quiet(
        "membership in a dict that is only known by use",
        "Cache.fill",
        """
        class Cache:
            def fill(self, keys):
                for key in keys:
                    if key in self.entries:  #<hot>
                        continue
                    self.entries[key] = make(key)  #<cold>
        """,
    ),
    _quiet(
        "membership in a module-level set",
        "words",
        """
        STOP = frozenset(["a", "the", "of"])

        def words(text):
            return [w for w in text.split() if w not in STOP]  #<hot>
        """,
    ),
    _quiet(
        "membership in a set attribute made in __init__",
        "Filter.apply",
        """
        class Filter:
            def __init__(self, allowed):
                self.allowed = set(allowed)

            def apply(self, rows):
                return [row for row in rows if row.id in self.allowed]  #<hot>
        """,
    ),
    _quiet(
        "membership in a tuple of constants",
        "states",
        """
        def states(rows):
            n = 0
            for row in rows:
                if row.state in ("open", "held", "sent"):  #<hot>
                    n += 1  #<cold>
            return n
        """,
    ),
    _quiet(
        "membership in a tuple constant by name",
        "vowels",
        """
        def vowels(text):
            letters = ("a", "e", "i", "o", "u")
            n = 0
            for c in text:
                if c in letters:  #<hot>
                    n += 1
            return n
        """,
    ),
    _quiet(
        "membership in a constant string",
        "hexadecimal",
        """
        def hexadecimal(text):
            for c in text:
                if c not in "0123456789abcdef":  #<hot>
                    return False
            return True
        """,
    ),
    _quiet(
        "substring of a text handed in",
        "grep",
        """
        def grep(lines, needle: str):
            for line in lines:
                if needle in line:  #<hot>
                    yield line
        """,
    ),
    _quiet(
        "membership in a range",
        "ports",
        """
        def ports(rows):
            private = range(49152, 65536)
            return [row for row in rows if row.port in private]  #<hot>
        """,
    ),
    _quiet(
        "membership in os.environ",
        "configured",
        """
        def configured(names):
            for name in names:
                if name in os.environ:  #<hot>
                    yield name
        """,
    ),
    _quiet(
        "membership in a set argument by annotation",
        "keep",
        """
        def keep(rows, wanted: set[int]):
            return [row for row in rows if row.id in wanted]  #<hot>
        """,
    ),
    _quiet(
        "membership in a dict of lists by key",
        "graph",
        """
        def graph(edges):
            nodes = defaultdict(list)
            for a, b in edges:
                if a in nodes:  #<hot>
                    nodes[a].append(b)
        """,
    ),
    _quiet(
        "dict.pop with a default",
        "forget",
        """
        def forget(keys, cache: dict):
            for key in keys:
                cache.pop(key, None)  #<hot>
        """,
    ),
    _quiet(
        "dict.pop of the key 0",
        "zero",
        """
        def zero(tables):
            for table in tables:
                counts = {}
                counts.update(table)
                counts.pop(0)  #<hot>
        """,
    ),
    _quiet(
        "set.remove",
        "release",
        """
        def release(tokens):
            taken = set(tokens)
            for token in tokens:
                taken.remove(token)  #<hot>
        """,
    ),
    _quiet(
        "str.count and str.index of each line",
        "columns",
        """
        def columns(lines):
            total = 0
            for line in lines:
                total += line.count(",")  #<hot>
            return total
        """,
    ),
    _quiet(
        "numbers added up",
        "total",
        """
        def total(rows):
            amount = 0
            for row in rows:
                amount += row.price * row.quantity  #<hot>
            return amount
        """,
    ),
    _quiet(
        "numbers added up the long way",
        "mean",
        """
        def mean(values):
            amount = 0.0
            for value in values:
                amount = amount + value  #<hot>
            return amount / len(values)
        """,
    ),
    _quiet(
        "counter in a dict",
        "tally",
        """
        def tally(words):
            counts = {}
            for word in words:
                counts[word] = counts.get(word, 0) + 1  #<hot>
            return counts
        """,
    ),
    _quiet(
        "list extended by +=",
        "flatten",
        """
        def flatten(groups):
            out = []
            for group in groups:
                out += group  #<hot>
            return out
        """,
    ),
    _quiet(
        "matrix product",
        "multiply",
        """
        def multiply(a, b, n):
            c = [[0] * n for _ in range(n)]
            for i in range(n):
                for j in range(n):
                    for k in range(n):
                        c[i][j] += a[i][k] * b[k][j]  #<hot>
            return c
        """,
    ),
    _quiet(
        "loop over what each element holds",
        "totals",
        """
        def totals(orders):
            for order in orders:
                for item in order.items:
                    order.total += item.price  #<hot>
        """,
    ),
    _quiet(
        "search in what each element holds",
        "defaults",
        """
        def defaults(orders, kind):
            for order in orders:
                for address in order.addresses:
                    if address.kind == order.kind:  #<hot>
                        order.address = address  #<cold>
        """,
    ),
    _quiet(
        "any() over what each element holds",
        "flagged",
        """
        def flagged(orders):
            for order in orders:
                order.gift = any(item.kind == order.gift_kind for item in order.items)  #<hot>
        """,
    ),
    _quiet(
        "membership in a list made anew for each element",
        "tagged",
        """
        def tagged(lines, wanted):
            for line in lines:
                parts = line.split()
                if wanted in parts:  #<hot>
                    yield line
        """,
    ),
    Quiet(
        "a set of unknown type whose elements hash themselves in Python",
        RULE,
        """
        script>; keep@shop.py#search; Key.__hash__@keys.py#hash 60
        script>; keep@shop.py#search; Key.__eq__@keys.py#eq 20
        script>; keep@shop.py#search 15
        script>; keep@shop.py#append 5
        """,
        sources={
            "shop.py": """
            def keep(rows, wanted):
                out = []
                for row in rows:
                    if row.key in wanted:  #<search>
                        out.append(row)  #<append>
            """,
            "keys.py": """
            class Key:
                def __hash__(self):
                    return hash(self.parts)  #<hash>

                def __eq__(self, other):
                    return self.parts == other.parts  #<eq>
            """,
        },
    ),
    Quiet(
        "a search in something of unknown type that is not most of its function",
        RULE,
        """
        script>; keep@shop.py#search 75
        script>; keep@shop.py#append 25
        """,
        sources={
            "shop.py": """
            def keep(rows, wanted):
                out = []
                for row in rows:
                    if row.key in wanted:  #<search>
                        out.append(row)  #<append>
            """
        },
    ),
    _quiet(
        "one filter over one list",
        "open_orders",
        """
        def open_orders(orders, state):
            return [order for order in orders if order.state == state]  #<hot>
        """,
    ),
    _quiet(
        "one filter loop over one list",
        "primes",
        """
        def even(numbers, remainder):
            found = []
            for number in numbers:
                if number % 2 == remainder:  #<hot>
                    found.append(number)  #<cold>
            return found
        """.replace("def even", "def primes"),
    ),
    _quiet(
        "sorted once",
        "ordered",
        """
        def ordered(rows):
            for row in sorted(rows):  #<hot>
                emit(row)  #<cold>
        """,
    ),
    _quiet(
        "sorted once per group of its own",
        "sorted_groups",
        """
        def sorted_groups(groups):
            for group in groups:
                group.rows.sort()  #<hot>
        """,
    ),
    _quiet(
        "a generator that yields each",
        "stream",
        """
        def stream(rows):
            for row in rows:
                yield row.encode()  #<hot>
        """,
    ),
    _quiet(
        "pop from the end",
        "backwards",
        """
        def backwards(stack):
            while stack:
                item = stack.pop()  #<hot>
                handle(item)
        """,
    ),
    _quiet(
        "deque.popleft",
        "breadth_first",
        """
        def breadth_first(root):
            queue = deque([root])
            while queue:
                node = queue.popleft()  #<hot>
                queue.extend(node.children)
        """,
    ),
    _quiet(
        "line numbers of one file",
        "numbered",
        """
        def numbered(lines):
            return [(n, line) for n, line in enumerate(lines) if line != ""]  #<hot>
        """,
    ),
    _quiet(
        "length compared in a loop",
        "long_ones",
        """
        def long_ones(words, limit):
            return sum(1 for word in words if len(word) == limit)  #<hot>
        """,
    ),
    _quiet(
        "small part of the time",
        "busy",
        """
        def busy(rows):
            return compute(rows)  #<hot>
        """,
    ),
    Quiet(
        "a search that holds 2 % of the time",
        RULE,
        """
        script>; search@shop.py#search 2
        script>; other@shop.py#other 98
        """,
        sources={
            "shop.py": """
            def search(rows):
                seen = []
                for row in rows:
                    if row in seen:  #<search>
                        continue
                    seen.append(row)

            def other(rows):
                return compute(rows)  #<other>
            """
        },
    ),
    Quiet(
        "a search line whose cost is the function it calls",
        RULE,
        """
        script>; plan@shop.py#search; solve@shop.py#solve 98
        script>; plan@shop.py#search 2
        """,
        sources={
            "shop.py": """
            def plan(rows):
                seen = []
                for row in rows:
                    if solve(row) in seen:  #<search>
                        continue
                    seen.append(row)

            def solve(row):
                return row ** 99 % 7  #<solve>
            """
        },
    ),
]
