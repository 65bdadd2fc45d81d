// The metric over density: a figure for each task, model and metric. Without curves, the page has no place for them.
async function drawDensities() {
  for (const one of data.densities) {
    const box = make("div", { class: "chart" });
    $("densities").append(make("figure", {}, make("figcaption", {}, one.title), box));
    await draw(box, data.specs[one.kind], one.data, (row) => openRun(row.runs[0]));
  }
}
