// Images and texts with attention over them.
import { draw } from "../../../export/page/js/maps.js";
import { row } from "../../../pages/js/data.js";
import { element, rounded } from "../../../pages/js/dom.js";
import { drawImage, imageTile } from "../../../pages/js/sheet.js";

const SIDE = 84; // CSS pixels of an image
const PER_PAGE = 12;
const TEXTS_PER_PAGE = 6;

// The samples that a head answers to most.
export function answers(report, block, head) {
  const { samples, strengths, labels, maps } = block;
  const texts = report.samples.words !== null;
  const items = Array.from(row(samples, head), (sample, k) => {
    const strength = row(strengths, head)[k];
    const spoken = report.classes[row(labels, head)[k]];
    const words = `true label ${trueLabel(report, sample)}, this head says ${spoken}, ${rounded(strength)}`;
    return tile(report, sample, row(maps, head, k), words, [
      element("b", {}, trueLabel(report, sample)),
      element("span", {}, `says ${spoken}, ${rounded(strength)}`),
    ]);
  });
  const noun = texts ? "texts" : "images";
  const note =
    `The ${report.samples.labels.length} ${noun} of the report were searched for those for which this head alone ` +
    "gives the largest output. In bold: the true label. Below: the output that the head speaks for, as a " +
    `share of its largest field. ${texts ? "Strongly coloured words are" : "Bright parts are"} where the head reads ` +
    "most. Where a head reads does not say what it finds there, nor how much that matters for the answer.";
  return [
    element("h4", {}, `${texts ? "Texts" : "Images"} it answers to most, with its attention`),
    element("ul", { class: texts ? "texts" : "tiles" }, ...items),
    element("p", { class: "quiet" }, note),
  ];
}

// The samples with the attention of all blocks together, page by page.
export function rolloutSection(report, titled) {
  const { labels, predicted, rollout, words } = report.samples;
  const size = words ? TEXTS_PER_PAGE : PER_PAGE;
  const pages = Math.ceil(labels.length / size);
  const list = element("ul", { class: words ? "texts" : "tiles" });
  const state = element("span", { "aria-live": "polite" });
  let page = 0;
  function show(to) {
    page = (to + pages) % pages;
    const from = page * size;
    state.textContent = `${from + 1} to ${Math.min(from + size, labels.length)} of ${labels.length}`;
    list.replaceChildren(
      ...labels.slice(from, from + size).map((_, i) => {
        const says = report.classes[predicted[from + i]];
        const right = predicted[from + i] === labels[from + i];
        const answer = `${right ? "right" : "wrong"}: ${says}`;
        return tile(report, from + i, row(rollout, from + i), `true label ${trueLabel(report, from + i)}, model ${answer}`, [
          element("b", {}, trueLabel(report, from + i)),
          element("span", {}, right ? "model: right" : `model: ${says}`),
        ]);
      }),
    );
  }
  show(0);
  const button = (text, by) =>
    element("button", { type: "button", class: "button", onclick: () => show(page + by) }, text);
  return element("div", {}, ...titled, list, element("div", { class: "row" }, button("Previous", -1), button("Next", 1), state));
}

const trueLabel = (report, sample) => report.classes[report.samples.labels[sample]];

function tile(report, sample, map, words, captions) {
  const { images, grid, words: texts } = report.samples;
  const caption = element("div", { class: "caption" }, ...captions);
  if (texts) return element("li", {}, caption, shadedWords(texts[sample], map));
  const plain = imageTile(images, sample, `Image: ${words}`, SIDE);
  const over = imageTile(images, sample, `Where it reads most: ${words}`, SIDE);
  showAttention(over, images, sample, map, grid);
  return element("li", {}, element("div", { class: "pair" }, plain, over), caption);
}

async function showAttention(canvas, images, sample, map, grid) {
  const plain = element("canvas", { width: canvas.width, height: canvas.height });
  await drawImage(plain, images, sample);
  draw(canvas, plain, map, grid);
}

function shadedWords(words, map) {
  const spans = words.flatMap((word, i) => {
    const share = Math.round((100 * map[i]) / 255);
    const span = element("span", { title: `${share} % of the largest` }, word);
    span.style.background = `color-mix(in srgb, var(--bar) ${share}%, transparent)`;
    return [span, " "];
  });
  return element("p", { class: "shaded" }, ...(spans.length ? spans : ["(no words)"]));
}
