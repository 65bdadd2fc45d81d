// Figures of the whole page, each with its title: density, learning curves, overlap. Without any, the page has no place for them.
async function drawFigures(id, figures, kind, open = null) {
  for (const one of figures) {
    const box = make("div", { class: kind });
    $(id).append(make("figure", {}, make("figcaption", {}, one.title), box));
    await draw(box, data.specs[one.kind], one.data, open);
  }
}
