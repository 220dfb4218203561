// From a file or a camera frame to a picture: { width, height, pixels (RGB), palette }.

import { takeOrientation, upright } from "./orientation.js";
import { isPng, readPng } from "./png.js";

const MOST_PIXELS = 2 ** 26;

export async function readFile(file, orient) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (isPng(bytes)) {
    const picture = await readPng(bytes, MOST_PIXELS);
    return orient ? upright(picture, picture.orientation) : picture;
  }
  const orientation = takeOrientation(bytes);
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes], { type: file.type }), {
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
  } catch (error) {
    throw new Error("The browser cannot read this file as a picture.", { cause: error });
  }
  try {
    const picture = fromSource(bitmap, bitmap.width, bitmap.height);
    return orient ? upright(picture, orientation) : picture;
  } finally {
    bitmap.close();
  }
}

export function fromVideo(video) {
  return fromSource(video, video.videoWidth, video.videoHeight);
}

function fromSource(source, width, height) {
  if (width * height > MOST_PIXELS) throw new Error("The picture has too many pixels.");
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    pixels[to] = data[from];
    pixels[to + 1] = data[from + 1];
    pixels[to + 2] = data[from + 2];
  }
  return { width, height, pixels, palette: false };
}

// A canvas with what the model sees of a picture, for people: sharper than the model's pixels.
export function shown(picture, place, input, longest) {
  const [height, width] = input.shape;
  const scale = [picture.width / place.width, picture.height / place.height];
  const whole = new OffscreenCanvas(picture.width, picture.height);
  const data = new ImageData(picture.width, picture.height);
  for (let from = 0, to = 0; from < picture.pixels.length; from += 3, to += 4) {
    data.data[to] = picture.pixels[from];
    data.data[to + 1] = picture.pixels[from + 1];
    data.data[to + 2] = picture.pixels[from + 2];
    data.data[to + 3] = 255;
  }
  whole.getContext("2d").putImageData(data, 0, 0);
  const factor = longest / Math.max(height, width);
  const canvas = new OffscreenCanvas(Math.round(width * factor), Math.round(height * factor));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  const source = [place.left * scale[0], place.top * scale[1], width * scale[0], height * scale[1]];
  context.drawImage(whole, ...source, 0, 0, canvas.width, canvas.height);
  return canvas;
}
