// The address tells which run is open. Returns whether it names one.
function follow(scroll) {
  const run = data.runs.findIndex((_, number) => addressOf(number) === location.hash);
  if (run < 0) return false;
  showRun(run, scroll);
  return true;
}

// At the front of the task that is shown, the fastest that is as good as dense, else the nearest to dense; else any.
function best() {
  const margin = data.metrics[chosen("task")]?.margin ?? 0;
  const front = data.points.filter((row) => row.task === chosen("task") && row.front.includes("speedup"));
  front.sort((a, b) => b.speedup - a.speedup);
  return (front.find((row) => Math.abs(row.difference) <= margin) ?? front.at(-1))?.runs[0] ?? 0;
}

addEventListener("hashchange", () => follow(true));
addEventListener("scroll", hideTip, { passive: true });
for (const element of document.querySelectorAll(".of-results")) element.hidden = !data.entries.length;
startResults();
await startFrontier();
await drawFigures("densities", data.densities, "chart", (row) => openRun(row.runs[0]));
await drawFigures("learning_curves", data.learning_curves, "chart", (row) => openRun(row.runs[0]));
await drawFigures("overlaps", data.overlaps, "chart wide");
if (!follow(true) && data.runs.length) await showRun(best(), false);
document.body.dataset.drawn = "true";
