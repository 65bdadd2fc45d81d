// One run: facts, figures, tables, how to do it again. What it lacks is not shown.
let opened = null;

// A run's folder stays the same whichever runs are added; its number does not.
const addressOf = (run) => `#run=${data.runs[run].folder.split("/").map(encodeURIComponent).join("/")}`;

function openRun(run) {
  if (location.hash === addressOf(run)) showRun(run, true);
  else location.hash = addressOf(run);
}

async function showRun(run, scroll) {
  opened = run;
  const summary = data.runs[run];
  const host = make("div");
  const told = summary.status ? [summary.status] : summary.warnings;
  host.append(make("h3", {}, summary.title), summary.title !== summary.folder ? make("p", { class: "note" }, summary.folder) : "",
    ...beside(run), ...told.map((text) => make("p", { class: "note warning" }, text)), list(summary.facts));
  const settings = summary.varied.map((key) => [key, summary.settings[key]]);
  if (settings.length) host.append(make("h3", {}, "Settings that runs of this task and model differ in"), list(settings));
  if (summary.scores.length) host.append(wide(table(["split", "metric", "value", "dense", "difference"], summary.scores)));
  $("detail").replaceChildren(host);
  for (const row of $("table").querySelectorAll("tbody tr")) row.classList.toggle("open", row.dataset.runs.split(" ").includes(String(run)));
  if (scroll) $("run").scrollIntoView();
  const figures = await part(run, "figures");
  const maps = await part(run, "maps");
  const recipe = await part(run, "recipe");
  if (opened !== run) return;
  const of = (...names) => (figures ?? []).filter((one) => names.some((name) => one.kind.startsWith(name)));
  await section(host, "What is left", [...of("heads", "counts")]);
  await section(host, "Weights", maps ?? [], true);
  await section(host, "Training", of("curves"));
  await section(host, "Speed", of("latency"));
  host.append(...[summary.speed, summary.generation].filter((rows) => rows.length).map((rows) => wide(measurements(rows))));
  await section(host, "Time and memory", of("stages"));
  if (!summary.status && (!figures || !maps)) {
    host.append(make("p", { class: "note" }, !figures ? "This page has no room for the figures of all runs: "
      + `prune report ${summary.folder} makes a page of this one.` : "Figures are missing where the run's folder lacks what they show."));
  }
  if (recipe) again(host, recipe);
}

// The run among the others: its replicates, and a place in the comparison.
function beside(run) {
  const entry = data.entries.find((one) => one.runs.includes(run));
  if (!entry) return [];
  const replicate = (one) => one === run ? make("strong", {}, data.runs[one].seed) : make("a", { href: addressOf(one) }, data.runs[one].seed);
  const seeds = entry.runs.length > 1 ? ["Seeds of this configuration:", ...entry.runs.map(replicate)] : [];
  return [make("p", { class: "beside" }, make("label", { class: "check" }, tick(run), " compare this run"), ...seeds)];
}

const wide = (...children) => make("div", { class: "wide" }, ...children);

async function section(host, title, figures, alone = false) {
  if (!figures.length) return;
  const grid = make("div", { class: alone ? "figures one" : "figures" });
  host.append(make("h3", {}, title), grid);
  for (const one of figures) {
    const box = make("div", { class: "chart wide" });
    grid.append(make("figure", {}, make("figcaption", {}, one.title), box));
    await draw(box, data.specs[one.kind], one.data);
  }
}

function measurements(rows) {
  const short = (value) => Array.isArray(value) ? value.map(short).join(" to ")
    : typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(3) : String(value);
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return table(names.map((name) => name.replaceAll("_", " ")), rows.map((row) => names.map((name) => name in row ? short(row[name]) : "")));
}

function again(host, recipe) {
  const said = make("output", { "aria-live": "polite", class: "soft" });
  const button = (name, text) => make("button", { type: "button", class: "copy", onclick: () => copy(text, said) }, name);
  host.append(make("h3", {}, "Do it again, in the folder of this page"), make("pre", {}, recipe.command),
    make("p", {}, button("Copy the command", recipe.command), " ", button("Copy the recipe", recipe.text), " ", said),
    make("details", {}, make("summary", {}, "The recipe"), make("pre", {}, recipe.text)));
}
