// The data of the page, and small makers of elements: texts are always set as text, so nothing in a name is ever run.
const data = JSON.parse(document.getElementById("data").textContent);
const parts = JSON.parse(document.getElementById("parts").textContent);
const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

function list(pairs) {
  return make("dl", {}, ...pairs.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))));
}

function isNumber(text) {
  return /^[-+−]?[\d.,]+( ?(%|x|ms))?$/.test(text);
}

function table(head, rows) {
  const numeric = head.map((_, column) => rows.every((row) => row[column] === "" || isNumber(row[column])));
  const cell = (tag, text, column) => make(tag, { class: numeric[column] && "number" }, text);
  return make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((text, column) => cell("th", text, column)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((text, column) => cell("td", text, column))))));
}

// A part of a run that is looked at only when the run is opened; null where the page had no room for it.
async function part(run, name) {
  const packed = parts[run][name];
  if (!packed) return null;
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

async function copy(text, told) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  told.textContent = "copied";
  setTimeout(() => { told.textContent = ""; }, 2000);
}
