#include "classifier.h"

#include <cmath>
#include <cstdint>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

// TensorFlow Lite Micro moved its names from `tflite` and the global namespace to `tflite::micro`
// in 2026. This file compiles with both.
namespace tflite {
namespace micro {}
}  // namespace tflite
using namespace tflite;
using namespace tflite::micro;

namespace {

alignas(16) uint8_t arena[kArenaBytes];
MicroInterpreter* interpreter = nullptr;

int8_t Quantised(float value, float scale, int zero_point) {
  const long rounded = std::lround(value / scale) + zero_point;
  return static_cast<int8_t>(rounded < -128 ? -128 : rounded > 127 ? 127 : rounded);
}

}  // namespace

bool SetUp() {
  const Model* model = GetModel(kModel);
  if (model->version() != TFLITE_SCHEMA_VERSION) {
    MicroPrintf("The model has schema %d, not %d.", static_cast<int>(model->version()),
                static_cast<int>(TFLITE_SCHEMA_VERSION));
    return false;
  }
  static MicroMutableOpResolver<kOperators> resolver;
  if (!AddOperators(resolver)) {
    MicroPrintf("An operator cannot be registered.");
    return false;
  }
  static MicroInterpreter instance(model, resolver, arena, sizeof(arena));
  if (instance.AllocateTensors() != kTfLiteOk) {
    MicroPrintf("The arena of %d bytes is too small.", static_cast<int>(sizeof(arena)));
    return false;
  }
  interpreter = &instance;
  return true;
}

bool Classify(const InputValue* input, float* outputs) {
  if (interpreter == nullptr) {
    return false;
  }
  auto* to = interpreter->input(0);
  for (int i = 0; i < kInputSize; ++i) {
    const float value = static_cast<float>(input[i]);
    if (to->type == kTfLiteInt8) {
      to->data.int8[i] = Quantised(value, to->params.scale, to->params.zero_point);
    } else {
      to->data.f[i] = value;
    }
  }
  if (interpreter->Invoke() != kTfLiteOk) {
    return false;
  }
  const auto* from = interpreter->output(0);
  for (int i = 0; i < kOutputs; ++i) {
    if (from->type == kTfLiteInt8) {
      outputs[i] = (from->data.int8[i] - from->params.zero_point) * from->params.scale;
    } else {
      outputs[i] = from->data.f[i];
    }
  }
  return true;
}

int Largest(const float* outputs) {
  int largest = 0;
  for (int i = 1; i < kOutputs; ++i) {
    if (outputs[i] > outputs[largest]) {
      largest = i;
    }
  }
  return largest;
}
