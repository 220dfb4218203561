// The orientation that a camera writes into a picture: how to read it, and how to undo it.

const TAG = 0x0112;

// The value 1 to 8 in a block of EXIF data; 1 if there is none or it cannot be read.
export function orientationOf(exif) {
  try {
    const data = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
    const little = data.getUint16(0) === 0x4949;
    const directory = data.getUint32(4, little);
    for (let i = 0; i < data.getUint16(directory, little); i++) {
      const entry = directory + 2 + 12 * i;
      if (data.getUint16(entry, little) === TAG) {
        const value = data.getUint16(entry + 8, little);
        return value >= 1 && value <= 8 ? value : 1;
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // broken data: as image viewers show it
  }
  return 1;
}

// The position in the stored picture of the pixel (x, y) of the upright one.
const SOURCES = {
  2: (x, y, w) => [w - 1 - x, y],
  3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
  4: (x, y, w, h) => [x, h - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, w, h) => [y, h - 1 - x],
  7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
  8: (x, y, w) => [w - 1 - y, x],
};

export function upright(picture, orientation) {
  const source = SOURCES[orientation];
  if (!source) return picture;
  const { width: w, height: h, pixels } = picture;
  const [width, height] = orientation > 4 ? [h, w] : [w, h];
  const turned = new Uint8Array(pixels.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const [sx, sy] = source(x, y, w, h);
      const from = 3 * (sy * w + sx);
      turned[to] = pixels[from];
      turned[to + 1] = pixels[from + 1];
      turned[to + 2] = pixels[from + 2];
    }
  }
  return { ...picture, width, height, pixels: turned };
}
