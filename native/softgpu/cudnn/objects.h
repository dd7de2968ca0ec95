/* Handles and descriptors, and how a call ends. */
#ifndef SOFTGPU_CUDNN_OBJECTS_H
#define SOFTGPU_CUDNN_OBJECTS_H

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "api.h"

struct cudnnContext {
  void* context = nullptr; /* CUcontext */
  cudaStream_t stream = nullptr;
};

/* Dimensions and strides in the order n, c, h, w; strides in elements. */
struct cudnnTensorStruct {
  bool set = false;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::array<int, 4> dims{}, strides{};
};

/* k, c, h, w: packed as its format says. */
struct cudnnFilterStruct {
  bool set = false;
  cudnnTensorFormat_t format = CUDNN_TENSOR_NCHW;
  cudnnTensorStruct tensor;
};

struct cudnnConvolutionStruct {
  bool set = false;
  std::array<int, 2> pad{}, stride{}, dilation{}; /* h, w */
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
  int groups = 1;
};

struct cudnnActivationStruct {
  bool set = false;
  cudnnActivationMode_t mode = CUDNN_ACTIVATION_RELU;
  cudnnNanPropagation_t nan = CUDNN_NOT_PROPAGATE_NAN;
  double coef = 0;
};

namespace softcudnn {

/* Ends the call. */
struct Refusal {
  cudnnStatus_t status;
  std::string why;
};

inline void require(bool holds, const std::string& why, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM) {
  if (!holds) throw Refusal{status, why};
}

/* Runs the body of an API function; what ends it becomes the last error string of the thread. */
cudnnStatus_t enter(const char* function, const std::function<void()>& body);

/* Everything that was created and not destroyed. */
enum class Kind { handle, tensor, filter, convolution, activation };
void add(const void* object, Kind kind);
/* Refuses what is unknown: destroyed already, null, or of another kind. */
void expect(const void* object, Kind kind, const char* what);
void remove(const void* object, Kind kind);

inline const cudnnTensorStruct& tensor(cudnnTensorDescriptor_t d, const char* what) {
  expect(d, Kind::tensor, what);
  require(d->set, std::string(what) + " was never set", CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  return *d;
}
inline const cudnnFilterStruct& filter(cudnnFilterDescriptor_t d, const char* what) {
  expect(d, Kind::filter, what);
  require(d->set, std::string(what) + " was never set", CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  return *d;
}
inline const cudnnConvolutionStruct& convolution(cudnnConvolutionDescriptor_t d) {
  expect(d, Kind::convolution, "convDesc");
  require(d->set, "convDesc was never set", CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  return *d;
}
inline const cudnnActivationStruct& activation(cudnnActivationDescriptor_t d) {
  expect(d, Kind::activation, "activationDesc");
  require(d->set, "activationDesc was never set", CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  return *d;
}

/* The handle, whose context must be the current one. */
cudnnContext& handle_of(cudnnHandle_t handle);

/* Does the work of a call on the handle's stream (softgpu_submit), unless the plan of failures lets
   this call fail. The work may throw DeviceFault. */
void launch(cudnnContext& handle, std::function<void()> work);

/* A code of the driver API. */
struct DeviceFault {
  int code;
};

template <class T>
T& out(T* pointer, const char* what) {
  require(pointer, std::string(what) + " is null", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  return *pointer;
}

}  // namespace softcudnn

#endif
