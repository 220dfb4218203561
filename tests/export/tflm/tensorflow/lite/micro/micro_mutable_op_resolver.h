// Declarations for the tests, see tests/export/microcontroller.py: the operators that exports of
// the zoo have.
#ifndef TESTS_TFLM_MICRO_MUTABLE_OP_RESOLVER_H_
#define TESTS_TFLM_MICRO_MUTABLE_OP_RESOLVER_H_

#include <cstring>

#include "tensorflow/lite/micro/micro_interpreter.h"

// method, operator, parser
#define TESTS_TFLM_OPERATORS(X) \
  X(Abs, ABS, ParseAbs) \
  X(Add, ADD, ParseAdd) \
  X(AveragePool2D, AVERAGE_POOL_2D, ParsePool) \
  X(BatchMatMul, BATCH_MATMUL, ParseBatchMatMul) \
  X(BroadcastTo, BROADCAST_TO, ParseBroadcastTo) \
  X(Cast, CAST, ParseCast) \
  X(Concatenation, CONCATENATION, ParseConcatenation) \
  X(Conv2D, CONV_2D, ParseConv2D) \
  X(DepthwiseConv2D, DEPTHWISE_CONV_2D, ParseDepthwiseConv2D) \
  X(Dequantize, DEQUANTIZE, ParseDequantize) \
  X(Div, DIV, ParseDiv) \
  X(Exp, EXP, ParseExp) \
  X(ExpandDims, EXPAND_DIMS, ParseExpandDims) \
  X(FullyConnected, FULLY_CONNECTED, ParseFullyConnected) \
  X(Gather, GATHER, ParseGather) \
  X(HardSwish, HARD_SWISH, ParseHardSwish) \
  X(Logistic, LOGISTIC, ParseLogistic) \
  X(MaxPool2D, MAX_POOL_2D, ParsePool) \
  X(Maximum, MAXIMUM, ParseMaximum) \
  X(Mean, MEAN, ParseReducer) \
  X(Minimum, MINIMUM, ParseMinimum) \
  X(Mul, MUL, ParseMul) \
  X(Neg, NEG, ParseNeg) \
  X(Pack, PACK, ParsePack) \
  X(Pad, PAD, ParsePad) \
  X(PadV2, PADV2, ParsePadV2) \
  X(Quantize, QUANTIZE, ParseQuantize) \
  X(ReduceMax, REDUCE_MAX, ParseReducer) \
  X(Relu, RELU, ParseRelu) \
  X(Reshape, RESHAPE, ParseReshape) \
  X(Rsqrt, RSQRT, ParseRsqrt) \
  X(SelectV2, SELECT_V2, ParseSelectV2) \
  X(Slice, SLICE, ParseSlice) \
  X(Softmax, SOFTMAX, ParseSoftmax) \
  X(Split, SPLIT, ParseSplit) \
  X(SplitV, SPLIT_V, ParseSplitV) \
  X(Sqrt, SQRT, ParseSqrt) \
  X(Square, SQUARE, ParseSquare) \
  X(SquaredDifference, SQUARED_DIFFERENCE, ParseSquaredDifference) \
  X(Squeeze, SQUEEZE, ParseSqueeze) \
  X(StridedSlice, STRIDED_SLICE, ParseStridedSlice) \
  X(Sub, SUB, ParseSub) \
  X(Sum, SUM, ParseReducer) \
  X(Tanh, TANH, ParseTanh) \
  X(Transpose, TRANSPOSE, ParseTranspose) \
  X(Unpack, UNPACK, ParseUnpack)

namespace tflite {
namespace micro {

#define TESTS_TFLM_DECLARE(method, name, parser) \
  TFLMRegistration Register_##name();            \
  TfLiteStatus parser(const Operator*, BuiltinDataAllocator*, void**);
TESTS_TFLM_OPERATORS(TESTS_TFLM_DECLARE)
#undef TESTS_TFLM_DECLARE

template <unsigned int kMost>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
#define TESTS_TFLM_METHOD(method, name, parser) \
  TfLiteStatus Add##method() { return Register(BuiltinOperator_##name, Register_##name(), parser); }
  TESTS_TFLM_OPERATORS(TESTS_TFLM_METHOD)
#undef TESTS_TFLM_METHOD

  const TFLMRegistration* FindOp(BuiltinOperator op) const override {
    for (unsigned int i = 0; i < count_; ++i) {
      if (registrations_[i].builtin_code == op) {
        return &registrations_[i];
      }
    }
    return nullptr;
  }

  const TFLMRegistration* FindOp(const char*) const override { return nullptr; }

  Parser GetOpDataParser(BuiltinOperator op) const override {
    for (unsigned int i = 0; i < count_; ++i) {
      if (registrations_[i].builtin_code == op) {
        return parsers_[i];
      }
    }
    return nullptr;
  }

 private:
  TfLiteStatus Register(BuiltinOperator op, const TFLMRegistration& registration, Parser parser) {
    if (count_ >= kMost || FindOp(op) != nullptr) {
      return kTfLiteError;
    }
    registrations_[count_] = registration;
    registrations_[count_].builtin_code = op;
    parsers_[count_] = parser;
    ++count_;
    return kTfLiteOk;
  }

  TFLMRegistration registrations_[kMost];
  Parser parsers_[kMost];
  unsigned int count_ = 0;
};

}  // namespace micro
}  // namespace tflite

#endif  // TESTS_TFLM_MICRO_MUTABLE_OP_RESOLVER_H_
