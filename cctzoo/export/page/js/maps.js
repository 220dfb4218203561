// Draws attention maps: bright where a head looks, dark where it does not.

const DARKEST = 0.2;
const CURVE = 0.6; // lifts the middle: a few tokens often get most of the attention

// A map (rows x columns) as brightness 0 to 1 for each pixel of a canvas, smoothly interpolated.
export function brightness(map, [rows, columns], width, height) {
  const largest = map.reduce((a, b) => Math.max(a, b), 0) || 1;
  const across = weights(columns, width);
  const down = weights(rows, height);
  const lines = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    across.forEach(([a, b, share], x) => {
      const [left, right] = [map[row * columns + a], map[row * columns + b]];
      lines[row * width + x] = (left + (right - left) * share) / largest;
    });
  }
  const found = new Float32Array(width * height);
  down.forEach(([a, b, share], y) => {
    for (let x = 0; x < width; x++) {
      const [above, below] = [lines[a * width + x], lines[b * width + x]];
      found[y * width + x] = above + (below - above) * share;
    }
  });
  return found;
}

// Two neighbours and a share without a kink at the centres of the tokens.
function weights(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const a = Math.floor(at);
    const share = at - a;
    return [a, Math.min(a + 1, from - 1), share * share * (3 - 2 * share)];
  });
}

// Draws `source`, a canvas, on another one, under a map; without one if `map` is null.
export function draw(canvas, source, map, grid) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  if (!map) return;
  const light = brightness(map, grid, canvas.width, canvas.height);
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0, at = 0; i < light.length; i++, at += 4) {
    const factor = DARKEST + (1 - DARKEST) * Math.max(light[i], 0) ** CURVE;
    for (let c = at; c < at + 3; c++) image.data[c] *= factor;
  }
  context.putImageData(image, 0, 0);
}

// Draws a map over words as a strip, one field per word.
export function drawStrip(canvas, shares) {
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const largest = shares.reduce((a, b) => Math.max(a, b), 0) || 1;
  context.fillStyle = style.getPropertyValue("--line");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = style.getPropertyValue("--best");
  const width = canvas.width / Math.max(shares.length, 1);
  shares.forEach((share, i) => {
    context.globalAlpha = share / largest;
    context.fillRect(i * width, 0, width + 0.5, canvas.height);
  });
  context.globalAlpha = 1;
}

// In words, for those who do not see the map: "most at the upper left".
export function place(map, [rows, columns]) {
  const best = map.indexOf(map.reduce((a, b) => Math.max(a, b)));
  const third = (at, count) => Math.min(2, Math.floor((3 * (at + 0.5)) / count));
  const vertical = ["upper", "", "lower"][third(Math.floor(best / columns), rows)];
  const horizontal = ["left", "", "right"][third(best % columns, columns)];
  return [vertical, horizontal].filter(Boolean).join(" ") || "centre";
}
