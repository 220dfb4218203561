// Writes the outputs for the images on standard input to standard output, as raw numbers.
#include <cstdio>

#include "classifier.h"

int main() {
  static InputValue image[kInputSize];
  static float outputs[kOutputs];
  if (!SetUp()) {
    return 1;
  }
  while (std::fread(image, sizeof(image), 1, stdin) == 1) {
    if (!Classify(image, outputs) || std::fwrite(outputs, sizeof(outputs), 1, stdout) != 1) {
      return 1;
    }
  }
  return 0;
}
