// Colours that people with a colour vision deficiency can tell apart.

// Nine points of cividis (Nunez, Anderton and Renslow, PLOS ONE 2018), as matplotlib has it.
const CIVIDIS = [
  [0x00, 0x22, 0x4e], [0x1a, 0x38, 0x6f], [0x43, 0x4e, 0x6c], [0x61, 0x65, 0x6f], [0x7d, 0x7c, 0x78],
  [0x9b, 0x94, 0x76], [0xbc, 0xae, 0x6c], [0xde, 0xc9, 0x58], [0xfe, 0xe8, 0x38],
];
// Purple, white, orange: "PuOr" of ColorBrewer, reversed.
const DIVERGING = [
  [0x2d, 0x00, 0x4b], [0x80, 0x73, 0xac], [0xd8, 0xda, 0xeb], [0xf7, 0xf7, 0xf7],
  [0xfe, 0xe0, 0xb6], [0xe0, 0x82, 0x14], [0x7f, 0x3b, 0x08],
];
const SERIES = 6; // --c0 to --c5 of base.css

// [red, green, blue] of a value between 0 and 1.
export const cividis = (value) => between(CIVIDIS, value);

// The same for values around 0, which is 0.5 here.
export const diverging = (value) => between(DIVERGING, value);

function between(colours, value) {
  const at = Math.min(Math.max(value, 0), 1) * (colours.length - 1);
  const low = Math.min(Math.floor(at), colours.length - 2);
  return colours[low].map((c, i) => Math.round(c + (colours[low + 1][i] - c) * (at - low)));
}

// The colour of a series, for SVG and CSS.
export const seriesColour = (index) => `var(--c${index % SERIES})`;
