// Draws a figure from its description and its rows. Points answer to the pointer and to the keyboard alike.
const tip = $("tip");
const MOST_SETTINGS = 10;

function showTip(x, y, datum) {
  const run = data.runs[datum.runs?.[0]];
  const settings = (run?.varied ?? []).filter((key) => key !== "seed").slice(0, MOST_SETTINGS).map((key) => [key, run.settings[key]]);
  const facts = [...(datum.facts ?? []), ...settings];
  tip.replaceChildren(...(facts.length ? [make("strong", {}, datum.label), list(facts)] : [datum.spoken ?? ""]));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 6))}px`;
  tip.style.top = `${Math.max(4, y + 16 + height > innerHeight ? y - height - 12 : y + 16)}px`;
}

function hideTip() {
  tip.hidden = true;
}

function withTip(_, event, item, value) {
  if (value == null || value === "" || !item?.datum) hideTip();
  else showTip(event.clientX, event.clientY, item.datum);
}

async function draw(host, spec, rows, open = null) {
  const filled = structuredClone(spec);
  if (spec.$schema.includes("vega-lite")) filled.datasets = rows;
  else for (const one of filled.data) if (rows[one.name]) one.values = rows[one.name];
  let view;
  try {
    ({ view } = await vegaEmbed(host, filled, { actions: false, renderer: "svg", tooltip: withTip, logLevel: 1 }));
  } catch (error) {  // one figure takes nothing else of the page with it
    console.error(error);
    host.replaceChildren(make("p", { class: "note warning" }, `This figure cannot be drawn: ${error.message}`));
    return;
  }
  if (open) {
    view.addEventListener("click", (_, item) => { if (item?.datum?.runs?.length) open(item.datum); });
    reachable(host, open);
  }
}

// One stop of the tab key for all points; arrows go from point to point, from left to right; Enter opens.
function reachable(host, open) {
  const place = (path) => path.getBoundingClientRect().x;
  const points = [...host.querySelectorAll(".mark-symbol.role-mark path")].filter((path) => path.__data__?.datum?.facts);
  points.sort((a, b) => place(a) - place(b));
  points.forEach((path, index) => {
    path.setAttribute("tabindex", index ? -1 : 0);
    path.setAttribute("role", "button");
    path.addEventListener("focus", () => {
      const box = path.getBoundingClientRect();
      showTip(box.right, box.bottom, path.__data__.datum);
    });
    path.addEventListener("blur", hideTip);
    path.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step && points[index + step]) {
        path.setAttribute("tabindex", -1);
        points[index + step].setAttribute("tabindex", 0);
        points[index + step].focus();
        event.preventDefault();
      } else if (event.key === "Enter" && path.__data__.datum.runs?.length) {
        open(path.__data__.datum);
      } else if (event.key === "Escape") {
        hideTip();
      }
    });
  });
}
