// Texts: words as in `cctzoo.models.vocabulary`, their ids, and the words that a token covers.

const UNKNOWN = 0;
const FIRST = 2;

// The same text as in Python; a test compares both.
const SEPARATORS =
  "\\x00-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\xa0\\xa1\\xa7\\xab\\xb6\\xb7\\xbb\\xbf\u05be\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u206f\u3000-\u3003\u3008-\u3011\u3014-\u301f\u30fb\ufe00-\ufe0f\ufeff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufffc\ufffd";
const SINGLES =
  "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\ud83c\udc00-\ud83e\udeff\u3040-\u30fa\u30fc-\u30ff\u3400-\u9fff";
const WORD = new RegExp(`[${SINGLES}]|[^${SEPARATORS}${SINGLES}]+`, "gu");

// [{ word (lower case), text (as written) }]
export function split(text) {
  return (text.toWellFormed().match(WORD) ?? []).map((each) => ({
    word: each.toLowerCase(),
    text: each,
  }));
}

export function makeIds({ vocabulary, shape, padding }) {
  const numbers = new Map(vocabulary.map((word, i) => [word, FIRST + i]));
  return (words) => {
    const ids = new Float64Array(shape[0]).fill(padding);
    words.slice(0, shape[0]).forEach(({ word }, i) => (ids[i] = numbers.get(word) ?? UNKNOWN));
    return ids;
  };
}

// For each token, [first, end) of the words that it covers; as `analysis.word_windows`.
export function windows(count, { family, kernel, stride, padding, pools }) {
  if (!count) return [];
  let spans = [];
  if (family === "text_cct") {
    const outputs = Math.floor((count + 2 * padding - kernel) / stride) + 1;
    for (let token = 0; token <= Math.floor(outputs / 2); token++) {
      const first = Math.max(2 * token - 1, 0);
      const last = Math.min(2 * token, outputs - 1);
      spans.push([first * stride - padding, last * stride - padding + kernel]);
    }
  } else {
    for (let start = 0; start < count; start += kernel) spans.push([start, start + kernel]);
  }
  for (let pool = 0; pool < pools; pool++) {
    const pairs = [];
    for (let i = 0; i < spans.length; i += 2) {
      pairs.push([spans[i][0], spans[Math.min(i + 1, spans.length - 1)][1]]);
    }
    spans = pairs;
  }
  return spans.map(([start, end]) => [Math.max(start, 0), Math.max(Math.min(end, count), 0)]);
}

// A map over tokens as shares of the words, which sum to 1.
export function byWord(map, count, tokens) {
  const shares = new Float64Array(count);
  windows(count, tokens).forEach(([start, end], token) => {
    for (let i = start; i < end && token < map.length; i++) {
      shares[i] += map[token] / (end - start);
    }
  });
  const sum = shares.reduce((a, b) => a + b, 0) || 1;
  return shares.map((each) => each / sum);
}
