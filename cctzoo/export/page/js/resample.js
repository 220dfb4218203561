// Resizes pictures exactly as Pillow does: a filter that is wider where the picture shrinks,
// along rows and along columns, in fixed-point numbers with 8 bits between the two.
// The browser's own resizing gives other pixels, and with them other probabilities.

const PRECISION = 22; // bits after the binary point, as in Pillow's Resample.c

const FILTERS = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
};

function cubic(x) {
  const a = -0.5;
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

// For each output position: the first input position, and the weights from there on.
function windows(from, to, { support, weight }) {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = [];
    let sum = 0;
    for (let x = first; x < last; x++) {
      weights.push(weight((x - centre + 0.5) * (1 / stretch)));
      sum += weights[x - first];
    }
    const fixed = weights.map((each) => {
      const share = (sum === 0 ? each : each / sum) * 2 ** PRECISION;
      return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
    return { first, weights: Int32Array.from(fixed) };
  });
}

// One pass over an array of `lines` x `from` x `inner`, along its middle axis.
function pass(pixels, lines, from, inner, to, filter) {
  const found = new Uint8ClampedArray(lines * to * inner);
  const half = 2 ** (PRECISION - 1);
  windows(from, to, filter).forEach(({ first, weights }, i) => {
    const count = weights.length;
    for (let line = 0; line < lines; line++) {
      const source = (line * from + first) * inner;
      const target = (line * to + i) * inner;
      for (let channel = 0; channel < inner; channel++) {
        let sum = half;
        for (let k = 0, at = source + channel; k < count; k++, at += inner) {
          sum += pixels[at] * weights[k];
        }
        found[target + channel] = sum >> PRECISION; // the array clamps to 0..255
      }
    }
  });
  return found;
}

// `picture` is { width, height, channels, pixels }, pixels row by row.
export function resize(picture, width, height, interpolation) {
  const filter = FILTERS[interpolation];
  let found = picture;
  const across = () => {
    if (width === found.width) return;
    const { height: lines, width: from, channels } = found;
    const pixels = pass(found.pixels, lines, from, channels, width, filter);
    found = { ...found, width, pixels };
  };
  const down = () => {
    if (height === found.height) return;
    const { height: from, width: columns, channels } = found;
    const pixels = pass(found.pixels, 1, from, columns * channels, height, filter);
    found = { ...found, height, pixels };
  };
  // The order since Pillow 13; before, rows always came first.
  const less = picture.height - height;
  const order = less > 0 && less > 2 * (picture.width - width) ? [down, across] : [across, down];
  for (const each of order) each();
  return found;
}
