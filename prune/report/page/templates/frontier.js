// The frontier: which points are shown follows from the controls.
const chosen = (name) => $(name).value;

function fill(select, values) {
  const before = select.value;
  select.replaceChildren(...values.map(([value, text]) => make("option", { value }, text)));
  if (values.some(([value]) => String(value) === before)) select.value = before;
}

function offer() {
  const mine = data.points.filter((row) => row.task === chosen("task"));
  const models = [...new Set(mine.map((row) => row.model))];
  fill($("model"), [["", models.length > 1 ? "all" : models[0]], ...(models.length > 1 ? models.map((m) => [m, m]) : [])]);
  const batches = [...new Set(mine.map((row) => row.batch))].sort((a, b) => b - a);
  fill($("batch"), batches.map((batch) => [batch, batch]));
  $("published").parentElement.hidden = !data.published.some((row) => row.task === chosen("task"));
}

async function drawFrontier() {
  const [task, model, cost, measure] = ["task", "model", "cost", "measure"].map(chosen);
  const batch = Number(chosen("batch"));
  const fits = (row) => row.task === task && (!model || row.model === model) && row.batch === batch && cost in row;
  const points = data.points.filter(fits);
  const published = $("published").checked
    ? data.published.filter((row) => row.task === task && cost in row && measure in row) : [];
  const title = data.metrics[task]?.[measure] ?? measure;
  const named = (_, value) => (typeof value === "string" ? value.replace("{title}", () => title) : value);
  const spec = JSON.parse(JSON.stringify(data.specs[`frontier-${cost}-${measure}`]), named);
  spec.params[0].value = [...new Set(points.map((row) => row.method))].sort();
  const rows = { points, front: points.filter((row) => row.front.includes(cost)), dense: data.dense.filter(fits), published };
  if (points.length) await draw($("frontier-chart"), spec, rows, (row) => openRun(row.runs[0]));
  else $("frontier-chart").replaceChildren();
  const several = points.filter((row) => row.runs.length > 1).length;
  const notes = [`Configurations: ${points.length}, with several seeds: ${several}.`,
    "Lines join what no other of the method beats; bars and bands show the spread over seeds (of one run's speed-up: its quartiles)."];
  if (points.length === 0) notes[0] = "No run says this.";
  if (published.length) notes.push("Grey circles: published results, on other hardware and against BERT-base.");
  $("frontier-note").textContent = notes.join(" ");
}

function startFrontier() {
  const tasks = Object.keys(data.metrics);
  const number = (task) => data.points.filter((row) => row.task === task).length;
  fill($("task"), tasks.map((task) => [task, task]));
  if (tasks.length) $("task").value = tasks.reduce((most, task) => (number(task) > number(most) ? task : most));
  offer();
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("controls").addEventListener("change", (event) => {
    if (event.target.id === "task") offer();
    drawFrontier();
  });
  return drawFrontier();
}
