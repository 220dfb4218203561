// Starts the page: reads the description of the model, loads the runtime and the model.

import { byId } from "./dom.js";
import { imagePage } from "./images.js";
import { textPage } from "./texts.js";

const RUNTIMES = { litert: "./litert.js", onnx: "./onnx.js" };

async function main() {
  say("Loading the model …");
  const response = await fetch("model.json");
  if (!response.ok) throw new Error(`model.json: ${response.status} ${response.statusText}`);
  const about = await response.json();
  const { input, page } = about;
  const texts = page.words !== null;
  const kinds = about.class_names?.length ?? about.config.classes ?? 0;
  byId("title").textContent = document.title = about.name;
  byId("about").textContent = [
    kinds > 1 ? `${kinds} classes` : "",
    texts ? `texts of up to ${input.shape[0]} words` : `${input.shape[1]} × ${input.shape[0]} pixels`,
    page.runtime_name,
  ]
    .filter(Boolean)
    .join(" · ");
  const { start } = await import(RUNTIMES[page.runtime]);
  const load = await start(document.baseURI);
  const dtype = texts ? "int32" : "float32";
  const model = await load(page.model, input.shape, dtype);
  await model(new Float32Array(input.shape.reduce((a, b) => a * b))); // the first run is slow
  let heads = null;
  const loadHeads = () => (heads ??= load(page.heads, input.shape, dtype));
  (texts ? textPage : imagePage)(about, model, loadHeads);
  byId("content").hidden = false;
  byId("status").hidden = true;
  say("");
}

function say(text) {
  byId("status").textContent = text;
}

main().catch((error) => {
  console.error(error);
  byId("status").hidden = false;
  say(`The page cannot start: ${error.message}`);
});
