// Declarations for the tests, see tests/export/microcontroller.py.
#ifndef TESTS_TFLM_MICRO_LOG_H_
#define TESTS_TFLM_MICRO_LOG_H_

void MicroPrintf(const char* format, ...);

#endif  // TESTS_TFLM_MICRO_LOG_H_
