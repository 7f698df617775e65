// The flame graph: an enhancement of the table beside it. Reads the data block, draws on one canvas, loads nothing.
(async () => {
  "use strict";
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  const $ = (id) => document.getElementById(id);
  const panel = $("flame");
  if (!panel || typeof DecompressionStream === "undefined") return;

  const ROW = 19, FONT = "12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
  const OWN = new Set(["app", "route", "database", "waiting"]);
  const MAX_ROWS = 60, CALLERS = 4, THIN = 0.4, WHOLE = 1e9;
  const canvas = $("flame-canvas"), search = $("flame-search"), line = $("flame-line"), status = $("flame-status");
  const context = canvas.getContext("2d");
  const { depth, name, self, total, names, seconds } = await read($("flame-data").textContent);
  const n = depth.length;
  const { parent, end, left } = layout();
  const deepest = depth.reduce((a, b) => Math.max(a, b), 0);
  const chain = leadingChain();
  const lower = names.map(([f, file]) => `${f} ${file}`.toLowerCase());
  let folded = chain > 1, zoom = 0, selected = 0, matches = null, boxes = [], scheduled = false;

  async function read(base64) {
    const packed = Uint8Array.from(atob(base64.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const raw = await new Response(stream).arrayBuffer();
    const count = new Uint32Array(raw, 0, 1)[0];
    const column = (i) => new Uint32Array(raw, 4 + 4 * count * i, count);
    const meta = JSON.parse(new TextDecoder().decode(new Uint8Array(raw, 4 + 16 * count)));
    return { depth: column(0), name: column(1), self: column(2), total: column(3), ...meta };
  }

  // Preorder columns → parent, end of subtree, and left edge in billionths.
  function layout() {
    const parent = new Int32Array(n), end = new Int32Array(n), left = new Float64Array(n), cursor = new Float64Array(n);
    const path = [];
    for (let i = 0; i < n; i++) {
      while (path.length > depth[i]) end[path.pop()] = i;
      parent[i] = path.length ? path[path.length - 1] : -1;
      left[i] = i ? cursor[parent[i]] : 0;
      if (i) cursor[parent[i]] += total[i];
      cursor[i] = left[i];
      path.push(i);
    }
    while (path.length) end[path.pop()] = n;
    return { parent, end, left };
  }

  // Frames 1…k that every sample passes and that are nobody's own code: a server's loop and a framework's layers.
  function leadingChain() {
    let k = 0;
    while (end[k] > k + 2 && end[k + 1] === end[k] && total[k + 1] >= 0.999 * total[k] && !OWN.has(names[name[k + 1]][2])) k++;
    return k;
  }

  // Folded, the chain is one row, which stands for its first frame.
  function row(i) { return folded && i > chain ? depth[i] - chain + 1 : depth[i]; }

  function isHidden(i) { return folded && i > 1 && i <= chain; }

  function isFold(i) { return folded && i === 1; }

  function isMatch(i) {
    if (!matches) return false;
    if (!isFold(i)) return matches[name[i]];
    return name.subarray(1, chain + 1).some((label) => matches[label]);
  }

  function isWithin(node, ancestor) { return node >= ancestor && node < end[ancestor]; }

  function redraw() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; draw(); });
  }

  function palette() {
    const style = getComputedStyle(document.documentElement);
    const of = (key) => style.getPropertyValue(`--${key}`).trim();
    return { "": of("root"), app: of("app"), library: of("library"), stdlib: of("stdlib"), native: of("native"),
      route: of("route"), database: of("database"), waiting: of("waiting"),
      match: of("match"), ink: of("frame-ink"), selected: of("selected"), page: of("page") };
  }

  function draw() {
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth;
    const height = Math.min(MAX_ROWS, deepest + 1 - (folded ? chain - 1 : 0)) * ROW;
    if (!width) return;
    canvas.style.height = `${height + 2 * canvas.clientTop}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const colors = palette();
    context.fillStyle = colors.page;
    context.fillRect(0, 0, width, height);
    context.font = FONT;
    context.textBaseline = "middle";
    const pen = { colors, width, glyph: context.measureText("0").width };
    boxes = [];
    const top = Math.max(0, row(zoom) - CALLERS), scale = width / total[zoom];
    for (let up = parent[zoom]; up >= 0 && row(up) >= top; up = parent[up]) {
      if (!isHidden(up)) box(up, 0, (row(up) - top) * ROW, width, pen);
    }
    for (let i = zoom; i < end[zoom];) {
      if (isHidden(i)) { i++; continue; }
      const wide = total[i] * scale, y = (row(i) - top) * ROW;
      if (wide < THIN || y >= height) { i = end[i]; continue; }
      box(i, (left[i] - left[zoom]) * scale, y, wide, pen);
      i++;
    }
  }

  function box(i, x, y, wide, { colors, glyph }) {
    const [label, , origin] = isFold(i) ? [`… ${chain} frames`, "", ""] : names[name[i]];
    boxes.push([i, x, y, wide]);
    context.globalAlpha = i !== zoom && isWithin(zoom, i) ? 0.55 : 1;
    context.fillStyle = isMatch(i) ? colors.match : colors[origin] || colors.library;
    context.fillRect(x, y, wide > 2 ? wide - 1 : wide, ROW - 1);
    context.globalAlpha = 1;
    const fits = Math.floor((wide - 6) / glyph);
    if (fits > 1) {
      context.fillStyle = colors.ink;
      context.fillText(label.length > fits ? `${label.slice(0, fits - 1)}…` : label, x + 3, y + ROW / 2, wide - 4);
    }
    if (i === selected) {
      context.strokeStyle = colors.selected;
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, Math.max(1, wide - 3), ROW - 3);
    }
  }

  function duration(weight) {
    const s = (weight / WHOLE) * seconds;
    return s >= 1 ? `${s.toPrecision(3)} s` : `${(s * 1000).toPrecision(s >= 0.1 ? 3 : 2)} ms`;
  }

  function share(weight) {
    const percent = (weight / WHOLE) * 100;
    return `${percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1)}%`;
  }

  function describe(i) {
    if (isFold(i)) return `${chain} frames that all of it passes, none of them your code · click or Enter opens them`;
    const [label, file] = names[name[i]];
    const where = file ? ` · ${file}` : "";
    return `${label}${where} · ${duration(total[i])}, ${share(total[i])} of ${panel.dataset.word} · self ${duration(self[i])}`;
  }

  function select(i, announce) {
    selected = i;
    line.textContent = describe(i);
    if (announce) status.textContent = line.textContent;
    redraw();
  }

  function zoomTo(i) {
    if (isFold(i)) folded = false;
    else zoom = i;
    select(i, true);
  }

  function reset() { search.value = ""; matches = null; folded = chain > 1; zoomTo(0); }

  // The share counts nested matches once.
  function find() {
    const text = search.value.trim().toLowerCase();
    matches = text ? lower.map((label) => label.includes(text)) : null;
    let weight = 0;
    for (let i = 0; matches && i < n;) {
      if (matches[name[i]]) { weight += total[i]; i = end[i]; } else i++;
    }
    const found = matches ? matches.filter(Boolean).length : 0;
    const noun = found === 1 ? "name matches" : "names match";
    const said = text ? `${found} ${noun}, ${share(weight)} of ${panel.dataset.word}` : "";
    status.textContent = said;
    line.textContent = said || describe(selected);
    redraw();
  }

  function siblings(i) {
    const found = [];
    for (let j = parent[i] + 1; j < end[parent[i]]; j = end[j]) found.push(j);
    return found;
  }

  function neighbour(i, step) {
    if (parent[i] < 0 || i === zoom) return i;
    const row = siblings(i);
    return row[row.indexOf(i) + step] ?? i;
  }

  function under(event) {
    const edge = canvas.getBoundingClientRect();
    const px = event.clientX - edge.left - canvas.clientLeft, py = event.clientY - edge.top - canvas.clientTop;
    const hit = boxes.find(([, x, y, wide]) => px >= x && px < x + wide && py >= y && py < y + ROW);
    return hit ? hit[0] : -1;
  }

  const moves = {
    ArrowDown: () => (isFold(selected) ? chain + 1 : end[selected] > selected + 1 ? selected + 1 : selected),
    ArrowUp: () => (isHidden(parent[selected]) ? 1 : Math.max(0, parent[selected])),
    ArrowLeft: () => neighbour(selected, -1),
    ArrowRight: () => neighbour(selected, 1),
  };
  canvas.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (move) {
      const to = move();
      if (!isWithin(to, zoom)) zoom = to;
      select(to, true);
    } else if (event.key === "Enter") zoomTo(selected);
    else if (event.key === "Escape") reset();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("click", (event) => { const hit = under(event); if (hit >= 0) zoomTo(hit); });
  canvas.addEventListener("mousemove", (event) => { const hit = under(event); if (hit >= 0) line.textContent = describe(hit); });
  canvas.addEventListener("mouseleave", () => { line.textContent = describe(selected); });
  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => { if (event.key === "Escape") { reset(); canvas.focus(); } });
  $("flame-reset").addEventListener("click", reset);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input, textarea")) return;
    event.preventDefault();
    search.focus();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  panel.hidden = false;
  new ResizeObserver(redraw).observe(canvas);
  select(0, false);
})();
