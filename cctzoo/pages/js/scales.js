// Positions of values on an axis, and its ticks.

// The scale of an axis that shows all `values`, drawn between the pixels `start` and `end`.
// axis: { log?, from?, to? }; `from` and `to` widen the range.
export function scale(values, axis, start, end) {
  const finite = [...values, axis.from, axis.to].filter((each) => Number.isFinite(each));
  const change = axis.log ? Math.log : (value) => value;
  let [low, high] = [Math.min(...finite), Math.max(...finite)];
  if (!finite.length) [low, high] = [axis.log ? 1 : 0, axis.log ? 10 : 1];
  const half = (Math.abs(low) || 1) / 2;
  if (low === high) [low, high] = axis.log ? [low / 2, low * 2] : [low - half, low + half];
  const margin = axis.log ? (high / low) ** 0.04 : 0.04 * (high - low);
  if (!Number.isFinite(axis.from)) low = axis.log ? low / margin : low - margin;
  if (!Number.isFinite(axis.to)) high = axis.log ? high * margin : high + margin;
  const [a, b] = [change(low), change(high)];
  const found = (axis.log ? logTicks : ticks)(low, high, Math.max(2, Math.abs(end - start) / 64));
  const whole = finite.every(Number.isInteger); // e.g. epochs, which have no halves
  return {
    at: (value) => start + ((change(value) - a) / (b - a)) * (end - start),
    ticks: whole ? found.filter(Number.isInteger) : found,
  };
}

// Round numbers in a range, `count` of them or a few more or less.
export function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => exact((first + i) * step));
}

export function logTicks(low, high, count) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const digit of [1, 2, 5]) found.push(digit * 10 ** power);
  }
  const inside = found.map(exact).filter((each) => each >= low && each <= high);
  if (inside.length < 2) return ticks(low, high, count); // less than a power of ten
  const tens = inside.filter((each) => /^1(0*|e.*)$|^0\.0*1$/.test(String(each)));
  return inside.length > 2 * count && tens.length > 1 ? tens : inside;
}

// Without the rounding errors that 3 * 0.1 has.
const exact = (value) => Number(value.toPrecision(12));
