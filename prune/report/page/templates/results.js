// The table: sorted by a column, filtered by words, copied as it stands.
const order = { column: null, falling: false };
const ticked = new Set();

const foldersOf = (entry) => entry.runs.map((run) => data.runs[run].folder);

function visible() {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (entry) => [...entry.cells, entry.task, ...foldersOf(entry)].join(" ").toLowerCase();
  const shown = data.entries.filter((entry) => words.every((word) => text(entry).includes(word)));
  if (order.column == null) return shown;
  const sign = order.falling ? -1 : 1;
  const key = (entry) => entry.sort[order.column];
  const compare = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b);
  const missing = (entry) => Number(key(entry) == null);  // what has no figure stands last, whichever way
  return shown.sort((a, b) => missing(a) - missing(b) || (missing(a) ? 0 : sign * compare(key(a), key(b))));
}

function drawTable() {
  const shown = visible();
  const arrow = (column) => (order.column !== column ? "" : order.falling ? " ↓" : " ↑");
  const sorted = (column) => (order.column !== column ? "none" : order.falling ? "descending" : "ascending");
  const kind = (column) => `${data.columns[column]}${column > 1 ? " number" : ""}`;
  const head = data.columns.map((name, column) => make("th", { "aria-sort": sorted(column), class: kind(column) },
    make("button", { type: "button", onclick: () => sortBy(column) }, name + arrow(column))));
  const body = shown.map((entry) => {
    const [run] = entry.runs;
    const model = make("span", { class: "of-model soft" }, entry.cells[0]);
    const cell = (text, column) => make("td", { class: kind(column) },
      column === 1 && run != null ? make("button", { type: "button", onclick: () => openRun(run) }, text) : text,
      column === 1 ? model : null);
    return make("tr", { class: run == null ? "reference" : entry.runs.includes(opened) && "open", "data-runs": entry.runs.join(" ") },
      make("td", { class: "compare" }, run == null ? null : tick(run)), ...entry.cells.map(cell));
  });
  const first = make("th", { class: "compare" }, make("span", { class: "soft" }, "compare"));
  $("table").replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, first, ...head)), make("tbody", {}, ...body)));
}

function tick(run) {
  return make("input", { type: "checkbox", checked: ticked.has(run), "data-compare": run, "aria-label": `compare ${data.runs[run].title}`,
    onchange: (event) => {
      if (event.target.checked) ticked.add(run); else ticked.delete(run);
      for (const one of document.querySelectorAll(`input[data-compare="${run}"]`)) one.checked = event.target.checked;
      drawComparison([...ticked]);
    } });
}

function sortBy(column) {
  order.falling = order.column === column ? !order.falling : typeof data.entries[0]?.sort[column] === "number";
  order.column = column;
  drawTable();
  $("table").querySelectorAll("th button")[column].focus();
}

function copied(form, shown) {
  const { head, rows, foot } = data.copies[form];
  return [...head, ...shown.map((entry) => rows[data.entries.indexOf(entry)]), ...foot].join("\n") + "\n";
}

function startResults() {
  $("legend").textContent = data.legend;
  $("filter").addEventListener("input", drawTable);
  for (const form of Object.keys(data.copies)) $(`copy-${form}`).addEventListener("click", () => copy(copied(form, visible()), $("copied")));
  drawTable();
  const unfinished = data.runs.flatMap((run, number) => run.status ? [[run, number]] : []);
  $("problems").replaceChildren(
    ...data.problems.map((text) => make("p", { class: "note warning" }, text)),
    ...(unfinished.length ? [make("h3", {}, "Without a result"), make("ul", {}, ...unfinished.map(([run, number]) =>
      make("li", {}, make("a", { href: addressOf(number) }, run.title), ` ${run.status}`)))] : []));
}
