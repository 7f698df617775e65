// A flame graph on one canvas: what is drawn, zoomed, searched and reached by keys. Loads nothing. Each page says what its trees
// are, and which colour and words a frame has.
"use strict";

// `columns` of little-endian Uint32 behind their length, then JSON; gzip, base64.
async function unpack(base64, columns) {
  const packed = Uint8Array.from(atob(base64.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const raw = await new Response(stream).arrayBuffer();
  const count = new Uint32Array(raw, 0, 1)[0];
  const column = (i) => new Uint32Array(raw, 4 + 4 * count * i, count);
  const meta = JSON.parse(new TextDecoder().decode(new Uint8Array(raw, 4 + 4 * columns * count)));
  return { columns: Array.from({ length: columns }, (_, i) => column(i)), ...meta };
}

function duration(s) {
  if (!s) return "0 ms";
  return s >= 1 ? `${s.toPrecision(3)} s` : `${(s * 1000).toPrecision(s >= 0.001 ? 3 : 2)} ms`;
}

function percentage(part) {
  const percent = part * 100;
  return `${percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1)}%`;
}

// A tree is { depth, name, total } in preorder. `names` are [function, file, origin]; `shade` names a frame's colour, `addition`
// what stands behind its name where there is room, `describe` all that is known of it, `said` what a search found of the whole.
function flameGraph({ names, shade, addition, describe, said }) {
  const ROW = 19, FONT = "12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
  const OWN = new Set(["app", "route", "database", "waiting"]);
  const MAX_ROWS = 60, CALLERS = 4, THIN = 0.4, READ = 8;
  const $ = (id) => document.getElementById(id);
  const canvas = $("flame-canvas"), search = $("flame-search"), line = $("flame-line"), status = $("flame-status");
  const context = canvas.getContext("2d");
  const lower = names.map(([f, file]) => `${f} ${file}`.toLowerCase());
  let n = 0, depth, name, total, parent, end, left, chain = 0;
  let folded = false, zoom = 0, selected = 0, matches = null, boxes = [], scheduled = false;

  // Another tree, or the same one with other totals, in which the frame that was chosen stays so while it has a width.
  function show(tree) {
    const same = tree.name === name;
    ({ depth, name, total } = tree);
    n = depth.length;
    layout();
    chain = leadingChain();
    if (!same || !total[zoom] || !total[selected]) {
      zoom = selected = 0;
      folded = chain > 1;
    }
    folded = folded && chain > 1;
    if (isHidden(zoom)) zoom = 0;
    if (isHidden(selected)) selected = 1;
    find();
  }

  // Preorder columns → parent, end of subtree, and left edge.
  function layout() {
    parent = new Int32Array(n);
    end = new Int32Array(n);
    left = new Float64Array(n);
    const cursor = new Float64Array(n), path = [];
    for (let i = 0; i < n; i++) {
      while (path.length > depth[i]) end[path.pop()] = i;
      parent[i] = path.length ? path[path.length - 1] : -1;
      left[i] = i ? cursor[parent[i]] : 0;
      if (i) cursor[parent[i]] += total[i];
      cursor[i] = left[i];
      path.push(i);
    }
    while (path.length) end[path.pop()] = n;
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
    const style = getComputedStyle(document.documentElement), known = {};
    return (key) => known[key] ??= style.getPropertyValue(`--${key}`).trim();
  }

  function draw() {
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth;
    if (!width) return;
    const placed = place(width);
    // What is too thin to read makes no row; what is chosen does.
    const height = ROW + placed.reduce((low, [i, , y, wide]) => (wide >= READ || i === selected ? Math.max(low, y) : low), 0);
    canvas.style.height = `${height + 2 * canvas.clientTop}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const color = palette();
    context.fillStyle = color("page");
    context.fillRect(0, 0, width, height);
    context.font = FONT;
    context.textBaseline = "middle";
    const pen = { color, glyph: context.measureText("0").width };
    boxes = placed.filter(([, , y]) => y < height);
    for (const [i, x, y, wide] of boxes) box(i, x, y, wide, pen);
  }

  // [frame, x, y, width] of all that has room.
  function place(width) {
    const placed = [], top = Math.max(0, row(zoom) - CALLERS), scale = total[zoom] ? width / total[zoom] : 0;
    for (let up = parent[zoom]; up >= 0 && row(up) >= top; up = parent[up]) {
      if (!isHidden(up)) placed.push([up, 0, (row(up) - top) * ROW, width]);
    }
    for (let i = zoom; i < end[zoom];) {
      if (isHidden(i)) { i++; continue; }
      const wide = total[i] * scale, y = (row(i) - top) * ROW;
      if (wide < THIN || y >= MAX_ROWS * ROW) { i = end[i]; continue; }
      placed.push([i, (left[i] - left[zoom]) * scale, y, wide]);
      i++;
    }
    return placed;
  }

  function box(i, x, y, wide, { color, glyph }) {
    context.globalAlpha = i !== zoom && isWithin(zoom, i) ? 0.55 : 1;
    context.fillStyle = color(isMatch(i) ? "match" : isFold(i) ? "root" : shade(i));
    context.fillRect(x, y, wide > 2 ? wide - 1 : wide, ROW - 1);
    context.globalAlpha = 1;
    const fits = Math.floor((wide - 6) / glyph);
    if (fits > 1) {
      context.fillStyle = color("frame-ink");
      context.fillText(label(i, fits), x + 3, y + ROW / 2, wide - 4);
    }
    if (i === selected) {
      context.strokeStyle = color("selected");
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, Math.max(1, wide - 3), ROW - 3);
    }
  }

  function label(i, fits) {
    const own = isFold(i) ? `… ${chain} frames` : names[name[i]][0];
    const whole = isFold(i) ? own : own + addition(i);
    if (whole.length <= fits) return whole;
    return own.length > fits ? `${own.slice(0, fits - 1)}…` : own;
  }

  function told(i) {
    return isFold(i) ? `${chain} frames that all of it passes, none of them your code · click or Enter opens them` : describe(i);
  }

  function select(i, announce) {
    selected = i;
    line.textContent = told(i);
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
    const found = new Set();
    let weight = 0;
    for (let i = 0, outer = 0; matches && i < n; i++) {
      if (!total[i] || !matches[name[i]]) continue;
      found.add(name[i]);
      if (i >= outer) { weight += total[i]; outer = end[i]; }
    }
    const noun = found.size === 1 ? "name matches" : "names match";
    const words = text ? `${found.size} ${noun}, ${said(weight / total[0])}` : "";
    status.textContent = words;
    line.textContent = words || told(selected);
    redraw();
  }

  function siblings(i) {
    const found = [];
    for (let j = parent[i] + 1; j < end[parent[i]]; j = end[j]) if (total[j]) found.push(j);
    return found;
  }

  function neighbour(i, step) {
    if (parent[i] < 0 || i === zoom) return i;
    const row = siblings(i);
    return row[row.indexOf(i) + step] ?? i;
  }

  function firstChild(i) { return end[i] > i + 1 ? siblings(i + 1)[0] ?? i : i; }

  function under(event) {
    const edge = canvas.getBoundingClientRect();
    const px = event.clientX - edge.left - canvas.clientLeft, py = event.clientY - edge.top - canvas.clientTop;
    const hit = boxes.find(([, x, y, wide]) => px >= x && px < x + wide && py >= y && py < y + ROW);
    return hit ? hit[0] : -1;
  }

  const moves = {
    ArrowDown: () => firstChild(isFold(selected) ? chain : selected),
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
  canvas.addEventListener("mousemove", (event) => { const hit = under(event); if (hit >= 0) line.textContent = told(hit); });
  canvas.addEventListener("mouseleave", () => { line.textContent = told(selected); });
  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => { if (event.key === "Escape") { reset(); canvas.focus(); } });
  $("flame-reset").addEventListener("click", reset);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input[type=search], textarea")) return;
    event.preventDefault();
    search.focus();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(redraw).observe(canvas);
  return show;
}

addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
