/* Queries: output dimensions, workspaces, the ranking of algorithms. */
#include <algorithm>
#include <limits>

#include "problem.h"
#include "softgpu.h"

using namespace softcudnn;

namespace {

void workspace(Direction direction, cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
               cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t y, int algorithm, size_t* bytes) {
  handle_of(handle);
  const Problem problem = problem_of(x, w, c, y);
  require_algorithm(direction, algorithm, problem);
  out(bytes, "sizeInBytes") = workspace_bytes(direction, algorithm, problem);
}

void give(const std::vector<cudnnConvolutionAlgoPerf_t>& found, const cudnnMathType_t math, int requested,
          int* returned, cudnnConvolutionAlgoPerf_t* results) {
  require(requested > 0, "the requested count is not positive");
  out(results, "perfResults");
  out(returned, "returnedAlgoCount") = std::min(requested, static_cast<int>(found.size()));
  for (int i = 0; i < *returned; ++i) {
    results[i] = found[static_cast<size_t>(i)];
    results[i].mathType = math;
  }
}

void heuristics(Direction direction, cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t y, int requested, int* returned,
                cudnnConvolutionAlgoPerf_t* results) {
  handle_of(handle);
  give(ranking(direction, problem_of(x, w, c, y), std::numeric_limits<size_t>::max()), convolution(c).math, requested,
       returned, results);
}

/* The search runs every algorithm, so that its operands must be there and its result is lost. */
void search(Direction direction, cudnnHandle_t handle, cudnnTensorDescriptor_t x, const void* x_at,
            cudnnFilterDescriptor_t w, const void* w_at, cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t y,
            const void* y_at, int requested, int* returned, cudnnConvolutionAlgoPerf_t* results,
            const void* workspace, size_t bytes) {
  cudnnContext& h = handle_of(handle);
  const Problem problem = problem_of(x, w, c, y);
  constexpr size_t kAlign = 16;
  const Operand operands[] = {operand(problem.x, x_at, "x", kAlign), operand(problem.w.tensor, w_at, "w", kAlign),
                              operand(problem.y, y_at, "y", kAlign)};
  const size_t result = direction == Direction::forward ? 2 : direction == Direction::backward_data ? 0 : 1;
  require(workspace || bytes == 0, "a workspace that is null and not empty", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  give(ranking(direction, problem, bytes), convolution(c).math, requested, returned, results);
  launch(h, [=] {
    for (size_t i = 0; i < 3; ++i) touch(operands[i], i == result ? SOFTGPU_SCRATCH : SOFTGPU_EXISTS);
    const int code =
        softgpu_memory(reinterpret_cast<uint64_t>(workspace), bytes, SOFTGPU_SCRATCH, "workspace", nullptr);
    if (code) throw DeviceFault{code};
  });
}

cudnnStatus_t most(const char* function, Direction direction, cudnnHandle_t handle, int* count) {
  return enter(function, [&] {
    handle_of(handle);
    out(count, "count") = algorithms(direction);
  });
}

}  // namespace

CUDNN_API cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(cudnnConvolutionDescriptor_t c,
                                                              cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                                                              int* n, int* channels, int* height, int* width) {
  return enter("cudnnGetConvolution2dForwardOutputDim", [&] {
    const cudnnConvolutionStruct& conv = convolution(c);
    const cudnnTensorStruct &input = tensor(x, "inputTensorDesc"), &weights = filter(w, "filterDesc").tensor;
    require(input.dims[1] == weights.dims[1] * conv.groups, "the filter's channels are not the input's",
            CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    const auto size = output_size(input, weights, conv);
    out(n, "n") = input.dims[0];
    out(channels, "c") = weights.dims[0];
    out(height, "h") = size[0];
    out(width, "w") = size[1];
  });
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                                cudnnFilterDescriptor_t w,
                                                                cudnnConvolutionDescriptor_t c,
                                                                cudnnTensorDescriptor_t y,
                                                                cudnnConvolutionFwdAlgo_t algorithm, size_t* bytes) {
  return enter("cudnnGetConvolutionForwardWorkspaceSize",
               [&] { workspace(Direction::forward, handle, x, w, c, y, algorithm, bytes); });
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t handle, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t c,
    cudnnTensorDescriptor_t dx, cudnnConvolutionBwdDataAlgo_t algorithm, size_t* bytes) {
  return enter("cudnnGetConvolutionBackwardDataWorkspaceSize",
               [&] { workspace(Direction::backward_data, handle, dx, w, c, dy, algorithm, bytes); });
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t c,
    cudnnFilterDescriptor_t dw, cudnnConvolutionBwdFilterAlgo_t algorithm, size_t* bytes) {
  return enter("cudnnGetConvolutionBackwardFilterWorkspaceSize",
               [&] { workspace(Direction::backward_filter, handle, x, dw, c, dy, algorithm, bytes); });
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardAlgorithmMaxCount(cudnnHandle_t handle, int* count) {
  return most("cudnnGetConvolutionForwardAlgorithmMaxCount", Direction::forward, handle, count);
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithmMaxCount(cudnnHandle_t handle, int* count) {
  return most("cudnnGetConvolutionBackwardDataAlgorithmMaxCount", Direction::backward_data, handle, count);
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithmMaxCount(cudnnHandle_t handle, int* count) {
  return most("cudnnGetConvolutionBackwardFilterAlgorithmMaxCount", Direction::backward_filter, handle, count);
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                               cudnnFilterDescriptor_t w,
                                                               cudnnConvolutionDescriptor_t c,
                                                               cudnnTensorDescriptor_t y, int requested,
                                                               int* returned, cudnnConvolutionAlgoPerf_t* results) {
  return enter("cudnnGetConvolutionForwardAlgorithm_v7",
               [&] { heuristics(Direction::forward, handle, x, w, c, y, requested, returned, results); });
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t handle, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t c,
    cudnnTensorDescriptor_t dx, int requested, int* returned, cudnnConvolutionAlgoPerf_t* results) {
  return enter("cudnnGetConvolutionBackwardDataAlgorithm_v7",
               [&] { heuristics(Direction::backward_data, handle, dx, w, c, dy, requested, returned, results); });
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t c,
    cudnnFilterDescriptor_t dw, int requested, int* returned, cudnnConvolutionAlgoPerf_t* results) {
  return enter("cudnnGetConvolutionBackwardFilterAlgorithm_v7",
               [&] { heuristics(Direction::backward_filter, handle, x, dw, c, dy, requested, returned, results); });
}

CUDNN_API cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, const void* x_at, cudnnFilterDescriptor_t w, const void* w_at,
    cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t y, void* y_at, int requested, int* returned,
    cudnnConvolutionAlgoPerf_t* results, void* workspace, size_t bytes) {
  return enter("cudnnFindConvolutionForwardAlgorithmEx", [&] {
    search(Direction::forward, handle, x, x_at, w, w_at, c, y, y_at, requested, returned, results, workspace, bytes);
  });
}
CUDNN_API cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(
    cudnnHandle_t handle, cudnnFilterDescriptor_t w, const void* w_at, cudnnTensorDescriptor_t dy, const void* dy_at,
    cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t dx, void* dx_at, int requested, int* returned,
    cudnnConvolutionAlgoPerf_t* results, void* workspace, size_t bytes) {
  return enter("cudnnFindConvolutionBackwardDataAlgorithmEx", [&] {
    search(Direction::backward_data, handle, dx, dx_at, w, w_at, c, dy, dy_at, requested, returned, results,
           workspace, bytes);
  });
}
CUDNN_API cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, const void* x_at, cudnnTensorDescriptor_t dy, const void* dy_at,
    cudnnConvolutionDescriptor_t c, cudnnFilterDescriptor_t dw, void* dw_at, int requested, int* returned,
    cudnnConvolutionAlgoPerf_t* results, void* workspace, size_t bytes) {
  return enter("cudnnFindConvolutionBackwardFilterAlgorithmEx", [&] {
    search(Direction::backward_filter, handle, x, x_at, dw, dw_at, c, dy, dy_at, requested, returned, results,
           workspace, bytes);
  });
}
