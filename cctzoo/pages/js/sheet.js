// Single images out of the picture that `image_sheet` makes.
import { element } from "./dom.js";

const loaded = new Map();

// Draws image `index` of a sheet on a canvas, in the size of the canvas.
export async function drawImage(canvas, sheet, index) {
  if (!loaded.has(sheet)) {
    const image = new Image();
    image.src = sheet.source;
    loaded.set(sheet, image.decode().then(() => image));
  }
  const picture = await loaded.get(sheet);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const { width, height, columns } = sheet;
  const [x, y] = [(index % columns) * width, Math.floor(index / columns) * height];
  context.drawImage(picture, x, y, width, height, 0, 0, canvas.width, canvas.height);
}

// A canvas with image `index`, at least `side` CSS pixels high; `label` names it for everybody.
export function imageTile(sheet, index, label, side = 64) {
  const scale = Math.max(1, Math.round((2 * side) / sheet.height)); // sharp on dense displays
  const [width, height] = [sheet.width * scale, sheet.height * scale];
  const words = { role: "img", "aria-label": label, title: label };
  const canvas = element("canvas", { width, height, ...words });
  canvas.style.height = `${side}px`;
  drawImage(canvas, sheet, index);
  return canvas;
}
