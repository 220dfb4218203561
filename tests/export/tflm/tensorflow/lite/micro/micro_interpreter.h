// Declarations for the tests, see tests/export/microcontroller.py: what a program uses of the
// interpreter. The functions are those of the library in the package tflite-micro, so that names,
// arguments and the layout of structures are those of TensorFlow Lite Micro.
#ifndef TESTS_TFLM_MICRO_INTERPRETER_H_
#define TESTS_TFLM_MICRO_INTERPRETER_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/schema/schema_generated.h"

#define TFLITE_SCHEMA_VERSION (3)

namespace tflite {
namespace micro {

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
enum TfLiteType { kTfLiteNoType = 0, kTfLiteFloat32 = 1, kTfLiteInt32 = 2, kTfLiteInt8 = 9 };

struct TfLiteContext;
struct TfLiteNode;
class BuiltinDataAllocator;
class MicroProfilerInterface;
class MicroResourceVariables;

struct TfLiteIntArray {
  int size;
  int data[];
};

struct TfLiteTensor {
  struct {
    int type;
    void* params;
  } quantization;
  struct {
    float scale;
    int32_t zero_point;
  } params;
  union {
    float* f;
    int8_t* int8;
  } data;
  TfLiteIntArray* dims;
  size_t bytes;
  TfLiteType type;
  int allocation_type;
  bool is_variable;
};

struct TFLMRegistration {
  void* (*init)(TfLiteContext*, const char*, size_t);
  void (*free)(TfLiteContext*, void*);
  TfLiteStatus (*prepare)(TfLiteContext*, TfLiteNode*);
  TfLiteStatus (*invoke)(TfLiteContext*, TfLiteNode*);
  void (*reset)(TfLiteContext*, void*);
  int32_t builtin_code;
  const char* custom_name;
};

using Parser = TfLiteStatus (*)(const Operator*, BuiltinDataAllocator*, void**);

class MicroOpResolver {
 public:
  virtual const TFLMRegistration* FindOp(BuiltinOperator op) const = 0;
  virtual const TFLMRegistration* FindOp(const char* name) const = 0;
  virtual Parser GetOpDataParser(BuiltinOperator op) const = 0;
  virtual ~MicroOpResolver() {}
};

class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& resolver, uint8_t* arena,
                   size_t arena_bytes, MicroResourceVariables* variables = nullptr,
                   MicroProfilerInterface* profiler = nullptr, bool preserve_all_tensors = false);
  ~MicroInterpreter();
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor* input(size_t index);
  TfLiteTensor* output(size_t index);

 private:
  // More than the members of the class in the library, which its constructor writes.
  alignas(16) unsigned char members_[1 << 14];
};

}  // namespace micro
}  // namespace tflite

#endif  // TESTS_TFLM_MICRO_INTERPRETER_H_
