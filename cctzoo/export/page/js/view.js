// The model's view: from a picture of any size to the numbers that the model takes.

import { resize } from "./resample.js";

export const DEFAULT_VIEW = { orient: true, crop_pct: 0.9, interpolation: "bicubic" };
const MOST_PIXELS = 2 ** 26; // of the resized picture, before it is cropped

// Python's `round`: halves go to the even neighbour.
function round(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

// Where the crop lies: the size of the resized picture, and the left and top of the crop in it.
export function geometry(picture, input, view) {
  const [height, width] = input.shape;
  if (view === null) {
    if (picture.width !== width || picture.height !== height) {
      throw new Error(
        `The model takes pictures of ${width} x ${height} pixels and was not trained on image ` +
          `files. This picture has ${picture.width} x ${picture.height}; tick “Resize and crop ` +
          "other sizes” to try it.",
      );
    }
    return { width, height, left: 0, top: 0 };
  }
  const least = [Math.floor(width / view.crop_pct), Math.floor(height / view.crop_pct)];
  const scale = Math.max(least[0] / picture.width, least[1] / picture.height);
  const resized = [picture.width, picture.height].map((side, i) =>
    Math.max(Math.trunc(side * scale + 1e-6), least[i]),
  );
  if (resized[0] * resized[1] > MOST_PIXELS) {
    throw new Error(`A picture of ${picture.width} x ${picture.height} pixels is too narrow.`);
  }
  return {
    width: resized[0],
    height: resized[1],
    left: round((resized[0] - width) / 2),
    top: round((resized[1] - height) / 2),
  };
}

// The pixels 0 to 255 in the model's size and colours, (height * width * channels) bytes.
export function crop(picture, input, view) {
  const [height, width, channels] = input.shape;
  const place = geometry(picture, input, view);
  const coloured = inColours(picture, channels);
  const resized = view
    ? resize(coloured, place.width, place.height, view.interpolation)
    : coloured;
  const pixels = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const start = ((place.top + y) * place.width + place.left) * channels;
    pixels.set(resized.pixels.subarray(start, start + width * channels), y * width * channels);
  }
  return pixels;
}

// The model's input: 0 to 255, or normalised if the model does not normalise by itself.
export function normalise(pixels, input) {
  const channels = input.shape[2];
  if (input.normalised_in_the_model) return Float32Array.from(pixels);
  const [mean, std] = [input.mean, input.std].map((each) =>
    Array.isArray(each) ? each : Array(channels).fill(each),
  );
  return Float32Array.from(pixels, (v, i) => (v / 255 - mean[i % channels]) / std[i % channels]);
}

// Pillow's grey of a colour; of a palette, Pillow rounds in another way.
function inColours({ width, height, pixels, palette }, channels) {
  if (channels === 3) return { width, height, channels, pixels };
  const grey = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    const [r, g, b] = [pixels[at], pixels[at + 1], pixels[at + 2]];
    grey[i] = palette
      ? Math.trunc((r * 299 + g * 587 + b * 114) / 1000)
      : (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  }
  return { width, height, channels, pixels: grey };
}
