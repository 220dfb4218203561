// Runs the model of model.h under TensorFlow Lite Micro.
#ifndef CLASSIFIER_H_
#define CLASSIFIER_H_

#include "model.h"

// Prepares the interpreter in a static arena of kArenaBytes. To be called once, before Classify.
bool SetUp();

// Computes the kOutputs outputs for one input of kInputSize values, whose order is row by row,
// pixel by pixel, channel by channel.
bool Classify(const InputValue* input, float* outputs);

// The position of the largest output.
int Largest(const float* outputs);

#endif  // CLASSIFIER_H_
