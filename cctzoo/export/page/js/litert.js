// LiteRT.js: runs .tflite files on the CPU, in one thread.

const NOTICE = /^(INFO|WARNING|VERBOSE)\b/; // LiteRT reports its start on the error output

export async function start(base) {
  const litert = await import("../runtime/litert.js");
  globalThis.Module = { printErr: (line) => NOTICE.test(line) || console.error(line) };
  await litert.loadLiteRt(new URL("runtime/", base).href);
  return async (url, shape, dtype) => {
    const graph = await litert.loadAndCompile(url, { accelerator: "wasm" });
    return async (values) => {
      const typed = dtype === "int32" ? Int32Array.from(values) : values;
      const input = new litert.Tensor(typed, [1, ...shape]);
      const outputs = await graph.run([input]);
      input.delete();
      const result = Float32Array.from(await outputs[0].data());
      outputs.forEach((each) => each.delete());
      return result;
    };
  };
}
