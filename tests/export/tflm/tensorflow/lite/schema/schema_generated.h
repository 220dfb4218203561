// Declarations for the tests, see tests/export/microcontroller.py: the part of the .tflite schema
// that a program needs. A model is a FlatBuffers table, whose first field is the version.
#ifndef TESTS_TFLM_SCHEMA_H_
#define TESTS_TFLM_SCHEMA_H_

#include <cstdint>
#include <cstring>

namespace tflite {

enum BuiltinOperator : int32_t {
  BuiltinOperator_ADD = 0,
  BuiltinOperator_AVERAGE_POOL_2D = 1,
  BuiltinOperator_CONCATENATION = 2,
  BuiltinOperator_CONV_2D = 3,
  BuiltinOperator_DEPTHWISE_CONV_2D = 4,
  BuiltinOperator_DEQUANTIZE = 6,
  BuiltinOperator_FULLY_CONNECTED = 9,
  BuiltinOperator_LOGISTIC = 14,
  BuiltinOperator_MAX_POOL_2D = 17,
  BuiltinOperator_MUL = 18,
  BuiltinOperator_RELU = 19,
  BuiltinOperator_RESHAPE = 22,
  BuiltinOperator_SOFTMAX = 25,
  BuiltinOperator_TANH = 28,
  BuiltinOperator_PAD = 34,
  BuiltinOperator_GATHER = 36,
  BuiltinOperator_TRANSPOSE = 39,
  BuiltinOperator_MEAN = 40,
  BuiltinOperator_SUB = 41,
  BuiltinOperator_DIV = 42,
  BuiltinOperator_SQUEEZE = 43,
  BuiltinOperator_STRIDED_SLICE = 45,
  BuiltinOperator_EXP = 47,
  BuiltinOperator_SPLIT = 49,
  BuiltinOperator_CAST = 53,
  BuiltinOperator_MAXIMUM = 55,
  BuiltinOperator_MINIMUM = 57,
  BuiltinOperator_NEG = 59,
  BuiltinOperator_PADV2 = 60,
  BuiltinOperator_SLICE = 65,
  BuiltinOperator_EXPAND_DIMS = 70,
  BuiltinOperator_SUM = 74,
  BuiltinOperator_SQRT = 75,
  BuiltinOperator_RSQRT = 76,
  BuiltinOperator_REDUCE_MAX = 82,
  BuiltinOperator_PACK = 83,
  BuiltinOperator_UNPACK = 88,
  BuiltinOperator_SQUARE = 92,
  BuiltinOperator_SQUARED_DIFFERENCE = 99,
  BuiltinOperator_ABS = 101,
  BuiltinOperator_SPLIT_V = 102,
  BuiltinOperator_QUANTIZE = 114,
  BuiltinOperator_HARD_SWISH = 117,
  BuiltinOperator_SELECT_V2 = 123,
  BuiltinOperator_BATCH_MATMUL = 126,
  BuiltinOperator_BROADCAST_TO = 130,
};

struct Operator;

struct Model {
  uint32_t version() const {
    const auto* table = reinterpret_cast<const uint8_t*>(this);
    const uint8_t* fields = table - Read<int32_t>(table);  // two sizes, then offsets of the fields
    return Read<uint32_t>(table + Read<uint16_t>(fields + 4));
  }

 private:
  template <typename T>
  static T Read(const uint8_t* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
  }
};

inline const Model* GetModel(const void* data) {
  uint32_t offset;
  std::memcpy(&offset, data, sizeof(offset));
  return reinterpret_cast<const Model*>(static_cast<const uint8_t*>(data) + offset);
}

}  // namespace tflite

#endif  // TESTS_TFLM_SCHEMA_H_
