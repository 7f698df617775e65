
// The report's tree: an enhancement of the table beside it. Colours are origins.
(async () => {
  const panel = document.getElementById("flame");
  if (!panel || typeof DecompressionStream === "undefined") return;
  const WHOLE = 1e9, word = panel.dataset.word;
  const { columns, names, seconds } = await unpack(document.getElementById("flame-data").textContent, 4);
  const [depth, name, self, total] = columns;
  const time = (weight) => duration((weight / WHOLE) * seconds);

  function describe(i) {
    const [label, file] = names[name[i]];
    const where = file ? ` · ${file}` : "";
    return `${label}${where} · ${time(total[i])}, ${percentage(total[i] / WHOLE)} of ${word} · self ${time(self[i])}`;
  }

  const show = flameGraph({
    names,
    shade: (i) => names[name[i]][2] || "root",
    addition: () => "",
    describe,
    said: (share) => `${percentage(share)} of ${word}`,
  });
  panel.hidden = false;
  show({ depth, name, total });
})();
