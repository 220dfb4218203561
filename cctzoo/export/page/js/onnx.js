// ONNX Runtime Web: runs .onnx files on the CPU, in one thread.

export async function start(base) {
  const ort = await import("../runtime/ort.js");
  ort.env.wasm.numThreads = 1; // more need headers that a plain web host does not send
  ort.env.wasm.wasmPaths = { wasm: new URL("runtime/ort-wasm-simd-threaded.wasm", base).href };
  return async (url, shape, dtype) => {
    const session = await ort.InferenceSession.create(url, { executionProviders: ["wasm"] });
    return async (values) => {
      const typed = dtype === "int32" ? Int32Array.from(values) : values;
      const input = new ort.Tensor(dtype, typed, [1, ...shape]);
      const outputs = await session.run({ [session.inputNames[0]]: input });
      return Float32Array.from(outputs[session.outputNames[0]].data);
    };
  };
}
