// The table: sorted by a column, filtered by words, copied as it stands.
const order = { column: null, falling: false };
const ticked = new Set();

function folderOf(entry) {
  return entry.run == null ? "" : data.runs[entry.run].folder;
}

function visible() {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (entry) => [...entry.cells, entry.task, folderOf(entry)].join(" ").toLowerCase();
  const shown = data.entries.filter((entry) => words.every((word) => text(entry).includes(word)));
  if (order.column == null) return shown;
  const sign = order.falling ? -1 : 1;
  const key = (entry) => entry.sort[order.column];
  const compare = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b);
  return shown.sort((a, b) => sign * compare(key(a), key(b)));
}

function drawTable() {
  const shown = visible();
  const arrow = (column) => (order.column !== column ? "" : order.falling ? " ↓" : " ↑");
  const sorted = (column) => (order.column !== column ? "none" : order.falling ? "descending" : "ascending");
  const head = data.columns.map((name, column) => make("th", { "aria-sort": sorted(column), class: column > 1 && "number" },
    make("button", { type: "button", onclick: () => sortBy(column) }, name + arrow(column))));
  const body = shown.map((entry) => make("tr", { class: entry.run == null && "reference", "data-run": entry.run },
    make("td", {}, entry.run == null ? null : tick(entry.run)),
    ...entry.cells.map((text, column) => make("td", { class: column > 1 && "number" },
      column === 1 && entry.run != null ? make("button", { type: "button", onclick: () => openRun(entry.run) }, text) : text))));
  const first = make("th", {}, make("span", { class: "soft" }, "compare"));
  $("table").replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, first, ...head)), make("tbody", {}, ...body)));
}

function tick(run) {
  return make("input", { type: "checkbox", checked: ticked.has(run), "aria-label": `compare ${data.runs[run].title}`,
    onchange: (event) => {
      if (event.target.checked) ticked.add(run); else ticked.delete(run);
      drawComparison([...ticked]);
    } });
}

function sortBy(column) {
  order.falling = order.column === column ? !order.falling : typeof data.entries[0]?.sort[column] === "number";
  order.column = column;
  drawTable();
  $("table").querySelectorAll("th button")[column].focus();
}

function asMarkdown(lines) {
  const row = (cells) => `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [row(data.columns), row(data.columns.map(() => "---")), ...lines.map(row)].join("\n") + "\n";
}

function asLatex(lines) {
  const named = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
  const escape = (text) => text.replace(/[\\~^]|[&%$#_{}]/g, (sign) => named[sign] ?? `\\${sign}`);
  const row = (cells) => `${cells.map(escape).join(" & ")} \\\\`;
  return ["\\begin{tabular}{llrrrr}", "\\hline", row(data.columns), "\\hline", ...lines.map(row), "\\hline",
    "\\end{tabular}"].join("\n") + "\n";
}

function startResults() {
  $("legend").textContent = data.legend;
  $("filter").addEventListener("input", drawTable);
  const lines = () => visible().map((entry) => entry.cells);
  $("copy-markdown").addEventListener("click", () => copy(asMarkdown(lines()), $("copied")));
  $("copy-latex").addEventListener("click", () => copy(asLatex(lines()), $("copied")));
  drawTable();
  const unfinished = data.runs.flatMap((run, number) => run.finished ? [] : [[run, number]]);
  $("problems").replaceChildren(
    ...data.problems.map((text) => make("p", { class: "note warning" }, text)),
    ...(unfinished.length ? [make("h3", {}, "Without a result yet"), make("ul", {}, ...unfinished.map(([run, number]) =>
      make("li", {}, make("a", { href: `#run=${number}` }, run.title))))] : []));
}
