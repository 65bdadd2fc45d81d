// The audit that is chosen: its figures, and its examples, sorted and filtered. Texts are data: set as text, never as HTML.
const AT_ONCE = 25;
const SLICE = 20;
let shownAtMost = AT_ONCE;

const current = () => data.audits[$("audit").value];
const lengthOf = (example) => example.texts.reduce((sum, [, text]) => sum + text.length, 0);
const KEPT = {
  all: () => true,
  modal: (example) => example.modal,
  lost: (example) => example.scores[1] < example.scores[0],
  gained: (example) => example.scores[1] > example.scores[0],
};
const ORDER = {
  distance: (a, b) => Math.abs(b.distance) - Math.abs(a.distance),
  length: (a, b) => lengthOf(b) - lengthOf(a),
  id: (a, b) => a.id.localeCompare(b.id, undefined, { numeric: true }),
};

function filtered() {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (example) => [example.id, ...example.texts.map(([, one]) => one)].join(" ").toLowerCase();
  const label = $("label").value;
  return current().examples
    .filter((one) => KEPT[$("which").value](one) && (!label || one.label === label) && words.every((word) => text(one).includes(word)))
    .sort(ORDER[$("sorted").value]);
}

// The votes of a population as one bar: a part for each label, as wide as its share.
function bar(kind, shares, size) {
  const parts = shares.map((share, number) => {
    const part = make("span", { title: `${current().labels[number]}: ${Math.round(share * size)} of ${size}` });
    part.style.flexGrow = share;
    part.style.background = `var(--series-${number % 8})`;
    if (share) part.textContent = current().labels[number];
    return share ? part : null;
  });
  return make("div", { class: "votes" }, make("span", { class: "soft" }, kind), make("div", { class: "bar", role: "img",
    "aria-label": `${kind}: ${shares.map((share, n) => `${current().labels[n]} ${Math.round(share * size)} of ${size}`).join(", ")}` }, ...parts));
}

function exampleOf(example) {
  const kinds = ["dense", "pruned"];
  const said = example.votes
    ? kinds.map((kind, n) => bar(kind, example.votes[n], current().models[n]))
    : kinds.map((kind, n) => make("p", {}, make("span", { class: "soft" }, `${kind} (${example.scores[n].toFixed(1)}) `), example.answers[n]));
  const facts = `${example.id}, distance ${example.distance.toFixed(2)}${example.modal ? ", exemplar" : ""}`;
  return make("article", { class: "example" }, make("p", { class: "soft" }, facts),
    ...example.texts.map(([name, text]) => make("p", {}, make("span", { class: "soft" }, `${name} `), text)),
    make("p", {}, make("span", { class: "soft" }, "true answer "), example.label), ...said);
}

function drawExamples() {
  const found = filtered();
  const [dense, pruned] = current().models;
  $("example-note").textContent = current().examples.length
    ? `${Math.min(found.length, shownAtMost)} of ${found.length} shown; votes of ${dense} dense and ${pruned} pruned models`
    : "No examples: each population needs three models.";
  $("example-list").replaceChildren(...found.slice(0, shownAtMost).map(exampleOf));
  $("more").hidden = found.length <= shownAtMost;
}

async function drawAudit() {
  const audit = current();
  shownAtMost = AT_ONCE;
  $("facts").replaceChildren(...[...audit.remarks, ...audit.lines].map((line) => make("p", {}, line)));
  $("scores").replaceChildren(audit.scores.length ? table(["score", "dense", "pruned", "difference"], audit.scores) : "");
  $("label").replaceChildren(make("option", { value: "" }, "any"), ...audit.labels.map((name) => make("option", {}, name)));
  drawExamples();
  const spec = { ...data.specs.slices, height: SLICE * audit.slices.length };
  if (audit.slices.length) await draw($("slices-chart"), spec, { slices: audit.slices });
  else $("slices-chart").replaceChildren(make("p", { class: "note" }, "There is nothing to slice by."));
  $("reliability").hidden = !audit.bins.length;
  if (audit.bins.length) await draw($("reliability-chart"), data.specs.reliability, { bins: audit.bins });
}

for (const [number, audit] of data.audits.entries()) $("audit").append(make("option", { value: number }, audit.title));
$("audit").addEventListener("change", drawAudit);
for (const id of ["which", "label", "sorted"]) $(id).addEventListener("change", () => { shownAtMost = AT_ONCE; drawExamples(); });
$("filter").addEventListener("input", () => { shownAtMost = AT_ONCE; drawExamples(); });
$("more").addEventListener("click", () => { shownAtMost += AT_ONCE; drawExamples(); });
for (const form of document.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("scroll", hideTip, { passive: true });
await drawAudit();
document.body.dataset.drawn = "true";
