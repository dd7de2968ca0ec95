/* The numbers of a tensor in device memory, as doubles. */
#ifndef SOFTGPU_CUDNN_VALUES_H
#define SOFTGPU_CUDNN_VALUES_H

#include <vector>

#include "objects.h"

namespace softcudnn {

/* Values of a tensor in the order n, h, w, c; of a filter k, h, w, c. */
using Values = std::vector<double>;

inline size_t element_bytes(const cudnnTensorStruct& t) { return t.type == CUDNN_DATA_HALF ? 2 : 4; }
inline size_t count(const cudnnTensorStruct& t) {
  return static_cast<size_t>(t.dims[0]) * static_cast<size_t>(t.dims[1]) * static_cast<size_t>(t.dims[2]) *
         static_cast<size_t>(t.dims[3]);
}
/* From the first element to behind the last. */
size_t span_bytes(const cudnnTensorStruct& t);

/* Whether the elements lie side by side in the order of the format. Strides of dimensions of 1 do
   not count. */
bool is_packed(const cudnnTensorStruct& t, cudnnTensorFormat_t format);

/* A tensor at a device address. `what` names it in refusals and reports. */
struct Operand {
  cudnnTensorStruct tensor;
  uint64_t address;
  const char* what;
};

/* Refuses null and an address that is not a multiple of `align`. */
Operand operand(const cudnnTensorStruct& t, const void* address, const char* what, size_t align);
/* Refuses operands that share memory. */
void require_apart(const Operand& a, const Operand& b);

/* Checks the memory (softgpu_memory) and reads. */
Values load(const Operand& source);
/* How the values of a result become float: to the nearest; or, as where an algorithm adds in an
   order that differs from run to run, to one of its neighbours that `seed` decides. */
struct Rounding {
  bool exact = true;
  uint64_t seed = 0;
};
/* Rounds once to the type of the tensor, checks the memory and writes. */
void store(const Operand& target, const Values& values, Rounding rounding = {});
/* Checks only that the memory is there; or makes it scratch (SOFTGPU_SCRATCH). */
void touch(const Operand& operand, int access);

/* A factor: float for float and half tensors. */
double factor(const void* pointer, const char* what);

}  // namespace softcudnn

#endif
