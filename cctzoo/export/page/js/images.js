// Pictures: dropped, chosen, pasted or from the camera; one after the other through the model.

import { announce, clearClasses, showClasses, showTimes } from "./classes.js";
import { byId, painted, tile } from "./dom.js";
import { makeHeads } from "./heads.js";
import { draw, place } from "./maps.js";
import { fromVideo, readFile, shown } from "./picture.js";
import { crop, DEFAULT_VIEW, geometry, normalise } from "./view.js";

const LONGEST = 640; // pixels of the large picture
const SPOKEN = 2000; // milliseconds between two answers that a screen reader speaks, camera

export function imagePage(about, model, loadHeads) {
  const { input, page } = about;
  const [height, width] = input.shape;
  let heads = null; // the tiles
  let current = null; // { source, maps }
  let work = Promise.resolve();
  let refused = []; // files

  byId("images").hidden = false;
  byId("resize").hidden = input.view !== null;
  byId("drop").style.setProperty("--ratio", width / height);
  byId("picture").width = width >= height ? LONGEST : Math.round((LONGEST * width) / height);
  byId("picture").height = height >= width ? LONGEST : Math.round((LONGEST * height) / width);
  empty(true);

  function view() {
    return input.view ?? (byId("resized").checked ? DEFAULT_VIEW : null);
  }

  async function classify(picture, readMs, quiet) {
    const started = performance.now();
    const where = geometry(picture, input, view());
    const values = normalise(crop(picture, input, view()), input);
    const prepared = performance.now();
    const output = await model(values);
    const done = performance.now();
    const source = shown(picture, where, input, LONGEST);
    const answer = showClasses(output, about);
    if (!quiet) announce(answer);
    const times = { Model: done - prepared, Picture: readMs + prepared - started };
    current = { source, maps: null };
    empty(false);
    byId("picture").setAttribute("aria-label", `What the model sees; ${answer}`);
    showTimes(times);
    if (page.heads) {
      if (!quiet) {
        redraw();
        await painted();
      }
      const run = await loadHeads();
      const begun = performance.now();
      const rows = await run(values);
      showTimes({ ...times, "Attention maps": performance.now() - begun });
      const count = page.grid[0] * page.grid[1];
      current.maps = (row) => rows.subarray(row * count, (row + 1) * count);
      heads ??= makeHeads(page, width / height, {
        draw: (canvas, row) => draw(canvas, current.source, current.maps(row), page.grid),
        name: (row) => `, looks most at the ${place(current.maps(row), page.grid)}`,
        changed: redraw,
      });
      heads.update();
    }
    redraw();
    return answer;
  }

  function redraw() {
    const chosen = heads?.chosen ?? null;
    const map = chosen !== null && current.maps ? current.maps(chosen) : null;
    draw(byId("picture"), current.source, map, page.grid);
  }

  function empty(now) {
    byId("empty").hidden = !now;
    byId("picture").hidden = now;
    byId("drop").classList.toggle("empty-now", now);
  }

  async function open(file) {
    const started = performance.now();
    const picture = await readFile(file, (view() ?? DEFAULT_VIEW).orient);
    return classify(picture, performance.now() - started, false);
  }

  // Adds files to the strip; the last one stays shown.
  function add(files) {
    stopCamera();
    work = work.then(async () => {
      const problems = [];
      refused = [];
      byId("problem").textContent = "";
      for (const file of files) {
        try {
          await open(file);
          addToStrip(file, current.source);
        } catch (error) {
          refused.push(file);
          problems.push(`${file.name || "The picture"}: ${error.message}`);
        }
      }
      byId("problem").textContent = problems.join(" ");
    });
  }

  function addToStrip(file, source) {
    const made = tile("picture", file.name || "Pasted picture", 96, Math.round((96 * height) / width));
    draw(made.canvas, source, null);
    made.input.checked = true;
    made.input.addEventListener("change", () => {
      stopCamera();
      work = work.then(() => open(file));
    });
    byId("strip").append(made.label);
    byId("strip").hidden = byId("strip").querySelectorAll("label").length < 2;
  }

  const drop = document.documentElement;
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    byId("drop").classList.add("over");
  });
  drop.addEventListener("dragleave", () => byId("drop").classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    byId("drop").classList.remove("over");
    add([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (files.length) add(files);
  });
  byId("files").addEventListener("change", (event) => {
    add([...event.target.files]);
    event.target.value = ""; // the same file can be chosen again
  });

  byId("resized").addEventListener("change", () => add(refused));

  let stream = null;
  const video = byId("video");
  byId("camera").addEventListener("click", async () => {
    if (stream) {
      stopCamera();
      return;
    }
    byId("problem").textContent = "";
    try {
      if (!navigator.mediaDevices) throw new Error("it needs an encrypted (https) page");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      byId("problem").textContent = `The camera cannot be used: ${error.message}`;
      return;
    }
    byId("camera").setAttribute("aria-pressed", "true");
    byId("camera").textContent = "Stop the camera";
    video.srcObject = stream;
    await video.play();
    work = work.then(watch);
  });

  async function watch() {
    let spoken = -Infinity;
    while (stream) {
      if (video.videoWidth) {
        const started = performance.now();
        try {
          const picture = fromVideo(video);
          const answer = await classify(picture, performance.now() - started, true);
          if (started - spoken > SPOKEN) {
            announce(answer);
            spoken = started;
          }
        } catch (error) {
          byId("problem").textContent = error.message;
          stopCamera();
        }
      }
      await painted();
    }
  }

  function stopCamera() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    byId("camera").setAttribute("aria-pressed", "false");
    byId("camera").textContent = "Use the camera";
  }

  clearClasses();
}
