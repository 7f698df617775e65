
// Trees of two sides: widths are the seconds of one of them, colours and additions what changed. An enhancement of the tables.
(async () => {
  const $ = (id) => document.getElementById(id);
  const panel = $("flame");
  if (!panel || typeof DecompressionStream === "undefined") return;
  const WHOLE = 1e9, NOTHING = WHOLE / 1e5, STEPS = [0.05, 0.2], per = panel.dataset.per;
  const { columns, names, trees } = await unpack($("flame-data").textContent, 5);
  const shown = trees.map(({ begin, end, seconds, least }) => {
    const [depth, name, baseline, current, error] = columns.map((column) => column.subarray(begin, end));
    return { depth, name, sides: { baseline, current }, error, second: WHOLE / seconds, least, own: selfOf(depth, baseline, current) };
  });
  let tree = shown[0], side = "current";

  // What changed in each frame itself: its change without that of its children.
  function selfOf(depth, baseline, current) {
    const own = Float64Array.from(current, (weight, i) => weight - baseline[i]), change = own.slice(), path = [];
    for (let i = 0; i < depth.length; i++) {
      path.length = depth[i];
      if (i) own[path[depth[i] - 1]] -= change[i];
      path.push(i);
    }
    return own;
  }

  const seconds = (weight) => weight / tree.second;
  const change = (i) => seconds(tree.sides.current[i] - tree.sides.baseline[i]);
  const told = (i) => Math.abs(change(i)) > Math.max(seconds(tree.error[i]), tree.least);
  const signed = (s) => `${s < 0 ? "−" : "+"}${duration(Math.abs(s))}`;

  function shade(i) {
    if (!told(i)) return "root";
    const part = Math.abs(change(i)) / (100 * tree.least);
    return `${change(i) > 0 ? "slower" : "faster"}-${1 + STEPS.filter((step) => part >= step).length}`;
  }

  function describe(i) {
    const { baseline, current } = tree.sides, [label, file] = names[tree.name[i]];
    const times = `${duration(seconds(baseline[i]))} → ${duration(seconds(current[i]))}${per}`;
    const news = !told(i) ? "" : !baseline[i] ? ", is new" : !current[i] ? ", is gone" : "";
    const chance = `${told(i) ? "chance is" : "within chance:"} up to ±${duration(seconds(tree.error[i]))}`;
    const own = Math.abs(tree.own[i]) < NOTHING ? "" : `in itself ${signed(seconds(tree.own[i]))}`;
    return [label, file, times, `${signed(change(i))}${news} (${chance})`, own].filter(Boolean).join(" · ");
  }

  const show = flameGraph({
    names,
    shade,
    addition: (i) => (told(i) ? `  ${signed(change(i))}` : ""),
    describe,
    said: (share) => `${percentage(share)} of ${side === "current" ? "the time after" : "the time before"}`,
  });
  const render = () => show({ depth: tree.depth, name: tree.name, total: tree.sides[side] });
  panel.hidden = false;
  $("flame-tree")?.addEventListener("change", (event) => { tree = shown[event.target.value]; render(); });
  document.querySelectorAll("input[name=flame-side]").forEach((choice) => {
    choice.addEventListener("change", () => { side = choice.value; render(); });
  });
  render();
})();
