// Reads the data of the page, which `pack` of packed.py writes.

const TYPES = { uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array, float32: Float32Array };

// The data of the page. Each array becomes { values, shape }, with a typed array of its values.
export async function readData() {
  return unpack(document.getElementById("data").textContent);
}

export async function unpack(text) {
  const letters = atob(text);
  const packed = new Uint8Array(letters.length);
  for (let i = 0; i < packed.length; i++) packed[i] = letters.charCodeAt(i); // `from` is slow
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = await new Response(stream).arrayBuffer();
  const length = new DataView(content).getUint32(0, true);
  const header = new TextDecoder().decode(new Uint8Array(content, 4, length));
  return JSON.parse(header, (_, value) => {
    if (!Array.isArray(value?.$array)) return value;
    const [type, offset, shape] = value.$array;
    const size = shape.reduce((a, b) => a * b, 1);
    return { values: new TYPES[type](content, 4 + length + offset, size), shape };
  });
}

// The part of an array at the given leading indices, without a copy: row(fields, block, head).
export function row({ values, shape }, ...indices) {
  const size = shape.slice(indices.length).reduce((a, b) => a * b, 1);
  const start = indices.reduce((at, index, i) => at * shape[i] + index, 0) * size;
  return values.subarray(start, start + size);
}
