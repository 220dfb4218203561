// Texts: the words are shaded by the attention of all blocks together, or of one head.

import { announce, clearClasses, showClasses, showTimes } from "./classes.js";
import { byId, element } from "./dom.js";
import { makeHeads } from "./heads.js";
import { drawStrip } from "./maps.js";
import { byWord, makeIds, split } from "./words.js";

const PAUSE = 150; // milliseconds after the last key

export function textPage(about, model, loadHeads) {
  const { input, page } = about;
  const [length] = input.shape;
  const toIds = makeIds(input);
  let heads = null;
  let current = null; // { words, shares(row) }
  let work = Promise.resolve();
  let timer = null;

  byId("texts").hidden = false;

  async function classify(text) {
    const words = split(text);
    if (!words.length) {
      current = null;
      heads?.hide();
      byId("words").replaceChildren();
      byId("words-note").textContent = "";
      clearClasses();
      return;
    }
    const ids = toIds(words);
    const started = performance.now();
    const output = await model(ids);
    const times = { Model: performance.now() - started };
    announce(showClasses(output, about));
    const read = words.slice(0, length);
    current = { words: read, unread: words.slice(length), shares: null };
    if (page.heads) {
      const run = await loadHeads();
      const begun = performance.now();
      const rows = await run(ids);
      times["Attention maps"] = performance.now() - begun;
      const [tokens] = page.grid;
      current.shares = (row) =>
        byWord(rows.subarray(row * tokens, (row + 1) * tokens), read.length, page.words);
      heads ??= makeHeads(page, 1, {
        draw: (canvas, row) => drawStrip(canvas, current.shares(row)),
        name: (row) => `, looks most at “${most(current.shares(row))}”`,
        changed: redraw,
      });
      heads.update();
    }
    showTimes(times);
    redraw();
  }

  function most(shares) {
    return current.words[shares.indexOf(shares.reduce((a, b) => Math.max(a, b)))].text;
  }

  function redraw() {
    if (!current) return;
    const shares = current.shares?.(heads.chosen);
    const largest = shares ? shares.reduce((a, b) => Math.max(a, b), 0) || 1 : 1;
    const spans = current.words.flatMap(({ text }, i) => {
      const span = element("span", {}, text);
      if (shares) {
        span.dataset.share = shares[i];
        span.title = `${(100 * shares[i]).toFixed(1)} %`;
        span.style.backgroundColor = `rgb(var(--shade) / ${shares[i] / largest})`;
      }
      return [span, " "];
    });
    byId("words").replaceChildren(...spans);
    const cut = current.unread.length;
    const unread = cut ? ` The model reads ${length} words; ${cut} more are not read.` : "";
    const shaded = shares ? "The stronger a word is shaded, the more attention it receives." : "";
    byId("words-note").textContent = shaded + unread;
  }

  byId("text").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      work = work.then(() => classify(byId("text").value));
    }, PAUSE);
  });
  clearClasses();
}
