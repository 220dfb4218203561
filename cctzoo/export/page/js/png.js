// Reads PNG files to the last bit. A canvas multiplies colours by their transparency and may
// change them by a colour profile; the model was trained on the numbers in the file.

import { orientationOf } from "./orientation.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // by colour type
const PASSES = [
  // of an interlaced file: first column and row, steps
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

export function isPng(bytes) {
  return SIGNATURE.every((each, i) => bytes[i] === each);
}

// { width, height, pixels (RGB), palette, orientation }; transparency is dropped.
export async function readPng(bytes, mostPixels) {
  const file = chunks(bytes);
  const { width, height, depth, colour } = file;
  if (!(colour in CHANNELS) || !width || !height || ![1, 2, 4, 8, 16].includes(depth)) {
    throw new Error("The PNG file is damaged.");
  }
  if (width * height > mostPixels) throw new Error("The picture has too many pixels.");
  if (depth === 16 && colour === 0) {
    throw new Error("The picture has more than 8 bits per channel.");
  }
  const data = await inflate(file.data);
  const pixels = new Uint8Array(3 * width * height);
  const passes = file.interlaced ? PASSES : [[0, 0, 1, 1]];
  let at = 0;
  for (const [x0, y0, dx, dy] of passes) {
    const columns = Math.ceil((width - x0) / dx);
    const rows = Math.ceil((height - y0) / dy);
    if (columns <= 0 || rows <= 0) continue;
    const bits = CHANNELS[colour] * depth;
    const length = Math.ceil((columns * bits) / 8);
    if (data.length < at + rows * (length + 1)) throw new Error("The PNG file is incomplete.");
    const lines = unfilter(data.subarray(at, at + rows * (length + 1)), rows, length, bits);
    at += rows * (length + 1);
    for (let row = 0; row < rows; row++) {
      const line = lines.subarray(row * length, (row + 1) * length);
      for (let column = 0; column < columns; column++) {
        const to = 3 * ((y0 + row * dy) * width + x0 + column * dx);
        put(pixels, to, line, column, file);
      }
    }
  }
  const palette = colour === 3 && !file.transparency;
  return { width, height, pixels, palette, orientation: file.orientation };
}

function chunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const file = { data: [], palette: new Uint8Array(), transparency: false, orientation: 1 };
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR" && length >= 13) {
      file.width = view.getUint32(at + 8);
      file.height = view.getUint32(at + 12);
      [file.depth, file.colour] = body.subarray(8, 10);
      file.interlaced = body[12] === 1;
    }
    if (kind === "PLTE") file.palette = body;
    if (kind === "tRNS") file.transparency = true;
    if (kind === "eXIf") file.orientation = orientationOf(body);
    if (kind === "IDAT") file.data.push(body);
    if (kind === "IEND") break;
    at += 12 + length;
  }
  return file;
}

async function inflate(parts) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (error) {
    throw new Error("The PNG file is damaged.", { cause: error });
  }
}

// Each line is stored as its difference from a prediction by its neighbours.
function unfilter(data, rows, length, bits) {
  const lines = new Uint8Array(rows * length);
  const step = Math.max(1, bits >> 3);
  for (let row = 0; row < rows; row++) {
    const kind = data[row * (length + 1)];
    if (kind > 4) throw new Error("The PNG file is damaged.");
    const source = row * (length + 1) + 1;
    const target = row * length;
    for (let i = 0; i < length; i++) {
      const left = i >= step ? lines[target + i - step] : 0;
      const above = row ? lines[target + i - length] : 0;
      let guess = 0;
      if (kind === 1) guess = left;
      else if (kind === 2) guess = above;
      else if (kind === 3) guess = (left + above) >> 1;
      else if (kind === 4) {
        guess = paeth(left, above, row && i >= step ? lines[target + i - length - step] : 0);
      }
      lines[target + i] = data[source + i] + guess;
    }
  }
  return lines;
}

// The neighbour that is nearest to left + above - corner.
function paeth(left, above, corner) {
  const a = Math.abs(above - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + above - 2 * corner);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

function put(pixels, to, line, column, { depth, colour, palette }) {
  const bytes = depth === 16 ? 2 : 1; // of 16 bits, Pillow keeps the upper 8
  if (colour === 2 || colour === 6) {
    const from = column * CHANNELS[colour] * bytes;
    for (let i = 0; i < 3; i++) pixels[to + i] = line[from + i * bytes];
    return;
  }
  let value;
  if (depth >= 8) {
    value = line[column * CHANNELS[colour] * bytes];
  } else {
    const bit = column * depth;
    value = (line[bit >> 3] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  }
  if (colour === 3) {
    for (let i = 0; i < 3; i++) pixels[to + i] = palette[3 * value + i] ?? 0;
  } else {
    pixels.fill(depth < 8 ? (value * 255) / (2 ** depth - 1) : value, to, to + 3);
  }
}
