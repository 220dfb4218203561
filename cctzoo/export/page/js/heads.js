// The tiles of the heads, and which of them the large picture shows.

import { byId, element, tile } from "./dom.js";

const MANY = 300; // heads; beyond, only the last block is open at first
const FEW = 16; // heads; up to here, the blocks stand side by side, with large tiles
const SIDE = 160; // pixels of a tile

const FROM = {
  sequence: "from all places, each counting as much as in the model's final average",
  token: "from the class token",
};
const NOTE = (pooling, texts) =>
  `Each ${texts ? "strip is one head, strongly coloured" : "tile is one head, bright"} where ` +
  `it takes its information from: the attention that a ${texts ? "word" : "place"} receives ` +
  `${FROM[pooling] ?? "from all places"}. It does not show what the head finds there, nor how ` +
  "much that matters for the answer.";

// `draw(canvas, row)` draws a row of the maps, `name(row)` says in words what it shows, and
// `changed(row)` is called when another row is chosen: null, 0 (all blocks), or 1 + head.
export function makeHeads(page, ratio, { draw, name, changed }) {
  byId("heads-note").textContent = NOTE(page.pooling, page.words !== null);
  byId("heads").style.setProperty("--ratio", ratio);
  const texts = page.words !== null;
  let chosen = texts ? 0 : null;
  const tiles = []; // by row
  const blocks = [];
  const choose = (row) => {
    chosen = row;
    changed(row);
  };
  const views = texts ? [[0, "All blocks together"]] : [[null, "Picture"], [0, "All blocks together"]];
  for (const [row, text] of views) {
    const input = element("input", { type: "radio", name: "view" });
    input.checked = row === chosen;
    input.addEventListener("change", () => choose(row));
    byId("views").append(element("label", { class: "button" }, input, text));
  }
  const count = page.blocks.reduce((sum, block) => sum + block.heads, 0);
  byId("blocks").classList.toggle("few", count <= FEW);
  let first = 1;
  page.blocks.forEach((block, i) => {
    const grid = element("div", { class: "tiles", role: "group" });
    grid.setAttribute("aria-label", `Heads of ${block.name}`);
    const width = texts ? 4 * SIDE : Math.round(SIDE * Math.min(1, ratio));
    const height = texts ? 8 : Math.round(width / ratio);
    for (let head = 0; head < block.heads; head++) {
      const row = first + head;
      const made = tile("view", `${block.name}, head ${head}`, width, height);
      if (texts) made.label.classList.add("strip-map");
      made.input.addEventListener("change", () => choose(row));
      made.title = `${block.name}, head ${head}`;
      tiles[row] = made;
      grid.append(made.label);
    }
    const noun = block.heads === 1 ? "head" : "heads";
    const summary = element("summary", {}, `${block.name}: ${block.heads} ${noun}`);
    const details = element("details", { class: "block" }, summary, grid);
    details.open = count <= MANY || i === page.blocks.length - 1;
    const rows = Array.from({ length: block.heads }, (_, head) => first + head);
    details.addEventListener("toggle", () => drawRows(rows));
    blocks.push({ details, rows });
    byId("blocks").append(details);
    first += block.heads;
  });

  function drawRows(rows) {
    for (const row of rows) {
      draw(tiles[row].canvas, row);
      const label = `${tiles[row].title}${name(row)}`;
      tiles[row].label.title = label;
      tiles[row].input.setAttribute("aria-label", label);
    }
  }

  return {
    get chosen() {
      return chosen;
    },
    update() {
      byId("heads").hidden = false;
      for (const { details, rows } of blocks) if (details.open) drawRows(rows);
    },
    hide() {
      byId("heads").hidden = true;
    },
  };
}
