// The orientation that a camera writes into a picture: how to read it, and how to undo it.

const TAG = 0x0112;

// The value 1 to 8 in a block of EXIF data; 1 if there is none or it cannot be read.
// `replaced` is written in its place.
export function orientationOf(exif, replaced = null) {
  try {
    const data = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
    const little = data.getUint16(0) === 0x4949;
    const directory = data.getUint32(4, little);
    for (let i = 0; i < data.getUint16(directory, little); i++) {
      const entry = directory + 2 + 12 * i;
      if (data.getUint16(entry, little) === TAG) {
        const value = data.getUint16(entry + 8, little);
        if (replaced !== null) data.setUint16(entry + 8, replaced, little);
        return value >= 1 && value <= 8 ? value : 1;
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // broken data: as image viewers show it
  }
  return 1;
}

// Takes the orientation out of a JPEG or WebP file, in place, and returns it: browsers turn some
// formats and not others, and cannot be told to leave a picture as it is stored.
export function takeOrientation(bytes) {
  const exif = isText(bytes, 8, "WEBP") ? exifOfWebp(bytes) : exifOfJpeg(bytes);
  return exif ? orientationOf(exif, 1) : 1;
}

function exifOfJpeg(bytes) {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; ) {
    const length = 256 * bytes[at + 2] + bytes[at + 3];
    if (bytes[at + 1] === 0xe1 && isText(bytes, at + 4, "Exif\0\0")) {
      return bytes.subarray(at + 10, at + 2 + length);
    }
    at += 2 + length;
  }
  return null;
}

function exifOfWebp(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (isText(bytes, at, "EXIF")) {
      const start = isText(bytes, at + 8, "Exif\0\0") ? at + 14 : at + 8;
      return bytes.subarray(start, at + 8 + length);
    }
    at += 8 + length + (length % 2);
  }
  return null;
}

function isText(bytes, at, text) {
  return [...text].every((each, i) => bytes[at + i] === each.charCodeAt(0));
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
