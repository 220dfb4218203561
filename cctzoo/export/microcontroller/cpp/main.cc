// Classifies the image in sample.cc, and compares the outputs with those of the export.
// A program of your own calls SetUp once, and Classify for each image of its camera.
#include "classifier.h"
#include "sample.h"
#include "tensorflow/lite/micro/micro_log.h"

int main() {
  if (!SetUp()) {
    return 1;
  }
  static float outputs[kOutputs];
  if (!Classify(kSample, outputs)) {
    MicroPrintf("The model cannot be run.");
    return 1;
  }
  for (int i = 0; i < kOutputs; ++i) {
    const float difference = outputs[i] - kExpected[i];
    if (!(difference <= kTolerance && difference >= -kTolerance)) {
      MicroPrintf("Output %d differs from that of the export.", i);
      return 1;
    }
  }
  const int largest = Largest(outputs);
  // Integers alone: on many boards, printing floats needs a library of its own.
  MicroPrintf("%s: output %d is the largest, %d / 1000.", kNames[largest], largest,
              static_cast<int>(1000 * outputs[largest]));
  return 0;
}
