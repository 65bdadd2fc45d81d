// Two or more runs: only what differs, metrics side by side, and how far they kept the same.
async function drawComparison(runs) {
  const host = make("div");
  if (runs.length < 2) {
    host.append(make("p", { class: "note" }, "Tick two or more runs in the table."));
    $("comparison").replaceChildren(host);
    return;
  }
  const names = runs.map((run) => ["title", "model", "task"].map((name) => data.runs[run][name]).join(", ") + `, seed ${data.runs[run].seed}`);
  host.append(make("h3", {}, "Settings that differ"), wide(settingsOf(runs, names)),
    make("h3", {}, "What they gave"), wide(factsOf(runs, names)));
  $("comparison").replaceChildren(host);
  const kept = await Promise.all(runs.map((run) => part(run, "kept")));
  const overlap = runs.slice(1).flatMap((_, index) =>
    overlapOf(kept[0], kept[index + 1], `${names[0]} and ${names[index + 1]}`));
  host.append(make("h3", {}, "Overlap of what they kept"));
  if (!overlap.length) {
    host.append(make("p", { class: "note" }, "Not known: the folders lack models of one shape, or this page has no room for them."));
    return;
  }
  const box = make("div", { class: "chart wide" });
  host.append(box);
  await draw(box, data.specs.overlap, { overlap });
}

function settingsOf(runs, names) {
  const keys = [...new Set(runs.flatMap((run) => Object.keys(data.runs[run].settings)))];
  const rows = keys.map((key) => [key, ...runs.map((run) => data.runs[run].settings[key] ?? "")]);
  const differing = rows.filter(([, ...values]) => new Set(values).size > 1);
  if (!differing.length) return make("p", { class: "note" }, "None.");
  return table(["setting", ...names], differing);
}

function factsOf(runs, names) {
  const facts = runs.map((run) => Object.fromEntries(data.runs[run].facts.slice(1)));
  const keys = [...new Set(facts.flatMap((one) => Object.keys(one)))];
  return table(["", ...names], keys.map((key) => [key, ...facts.map((one) => one[key] ?? "")]));
}

function bits(one) {
  const bytes = atob(one.kept);
  return Array.from({ length: one.units }, (_, unit) => (bytes.charCodeAt(unit >> 3) >> (7 - (unit & 7))) & 1);
}

// How many units two runs keep, layer by layer; the figure makes the Jaccard index of it.
function overlapOf(first, second, pair) {
  if (!first?.length || !second?.length) return [];
  const others = new Map(second.map((one) => [`${one.site} ${one.layer}`, one]));
  return first.flatMap((one) => {
    const other = others.get(`${one.site} ${one.layer}`);
    if (!other || other.units !== one.units) return [];
    const [a, b] = [bits(one), bits(other)];
    const count = (kept) => kept.filter(Boolean).length;
    const site = one.site === "attention" ? "heads" : "inner dimensions";
    const both = count(a.map((bit, unit) => bit && b[unit]));
    return [{ pair, site, layer: one.layer, units: one.units, first: count(a), second: count(b), both }];
  });
}
