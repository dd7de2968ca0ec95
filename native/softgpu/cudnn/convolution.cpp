/* The convolution and its gradients. */
#include <atomic>
#include <cmath>

#include "problem.h"
#include "softgpu.h"

using namespace softcudnn;

namespace {

constexpr size_t kAlign = 16; /* of tensors, filters and workspaces */

/* The memory that a convolution may use beside its operands. */
struct Workspace {
  uint64_t address;
  size_t bytes;

  void scribble() const {
    const int code = softgpu_memory(address, bytes, SOFTGPU_SCRATCH, "workspace", nullptr);
    if (code) throw DeviceFault{code};
  }
};

Workspace workspace_of(const void* pointer, size_t given, Direction direction, int algorithm,
                       const Problem& problem) {
  require_algorithm(direction, algorithm, problem);
  const size_t needed = workspace_bytes(direction, algorithm, problem);
  require(given >= needed,
          "the workspace has " + std::to_string(given) + " bytes, the algorithm needs " + std::to_string(needed),
          CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  const auto address = reinterpret_cast<uint64_t>(pointer);
  if (needed > 0) {
    require(pointer, "the workspace is null", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    require(address % kAlign == 0, "the workspace is not aligned to 16 bytes",
            CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  }
  return {address, needed};
}

void require_apart(const Workspace& w, const Operand& o) {
  require(w.address + w.bytes <= o.address || o.address + span_bytes(o.tensor) <= w.address || w.bytes == 0,
          std::string("the workspace and ") + o.what + " share memory");
}

/* Seeds of results that differ from run to run. */
uint64_t next_seed() {
  static std::atomic<uint64_t> calls{0};
  return ++calls * 0xd1342543de82ef95u;
}

Values products(Direction direction, const Geometry& g, const Values& first, const Values& second) {
  switch (direction) {
    case Direction::forward: return products_forward(g, first, second);
    case Direction::backward_data: return products_backward_data(g, first, second);
    default: return products_backward_filter(g, first, second);
  }
}

/* result = alpha * products(first, second) + beta * result */
void convolve(Direction direction, cudnnHandle_t handle, const void* alpha_at, const void* beta_at,
              const Problem& problem, int algorithm, const Operand& first, const Operand& second,
              const Operand& result, const void* workspace, size_t given) {
  cudnnContext& h = handle_of(handle);
  const double alpha = factor(alpha_at, "alpha"), beta = factor(beta_at, "beta");
  const Workspace scratch = workspace_of(workspace, given, direction, algorithm, problem);
  for (const Operand* o : {&first, &second}) {
    require_apart(result, *o);
    require_apart(scratch, *o);
  }
  require_apart(scratch, result);
  const bool exact = is_deterministic(direction, algorithm);
  launch(h, [=, g = problem.geometry] {
    const Values a = load(first), b = load(second);
    const Values old = beta != 0 ? load(result) : Values();
    scratch.scribble();
    Values sums = products(direction, g, a, b);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] = alpha * sums[i] + (beta != 0 ? beta * old[i] : 0.0);
    store(result, sums, exact ? Rounding{} : Rounding{false, next_seed()});
  });
}

}  // namespace

CUDNN_API cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                                const void* x_at, cudnnFilterDescriptor_t w, const void* w_at,
                                                cudnnConvolutionDescriptor_t c, cudnnConvolutionFwdAlgo_t algorithm,
                                                void* workspace, size_t bytes, const void* beta,
                                                cudnnTensorDescriptor_t y, void* y_at) {
  return enter("cudnnConvolutionForward", [&] {
    const Problem problem = problem_of(x, w, c, y);
    convolve(Direction::forward, handle, alpha, beta, problem, algorithm, operand(problem.x, x_at, "x", kAlign),
             operand(problem.w.tensor, w_at, "w", kAlign), operand(problem.y, y_at, "y", kAlign), workspace, bytes);
  });
}

CUDNN_API cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                                     cudnnFilterDescriptor_t w, const void* w_at,
                                                     cudnnTensorDescriptor_t dy, const void* dy_at,
                                                     cudnnConvolutionDescriptor_t c,
                                                     cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                                                     size_t bytes, const void* beta, cudnnTensorDescriptor_t dx,
                                                     void* dx_at) {
  return enter("cudnnConvolutionBackwardData", [&] {
    const Problem problem = problem_of(dx, w, c, dy);
    convolve(Direction::backward_data, handle, alpha, beta, problem, algorithm,
             operand(problem.y, dy_at, "dy", kAlign), operand(problem.w.tensor, w_at, "w", kAlign),
             operand(problem.x, dx_at, "dx", kAlign), workspace, bytes);
  });
}

CUDNN_API cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                                       cudnnTensorDescriptor_t x, const void* x_at,
                                                       cudnnTensorDescriptor_t dy, const void* dy_at,
                                                       cudnnConvolutionDescriptor_t c,
                                                       cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace,
                                                       size_t bytes, const void* beta, cudnnFilterDescriptor_t dw,
                                                       void* dw_at) {
  return enter("cudnnConvolutionBackwardFilter", [&] {
    const Problem problem = problem_of(x, dw, c, dy);
    convolve(Direction::backward_filter, handle, alpha, beta, problem, algorithm,
             operand(problem.x, x_at, "x", kAlign), operand(problem.y, dy_at, "dy", kAlign),
             operand(problem.w.tensor, dw_at, "dw", kAlign), workspace, bytes);
  });
}

/* y = activation(alpha1 * products(x, w) + alpha2 * z + bias) */
CUDNN_API cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void* alpha1_at, cudnnTensorDescriptor_t x, const void* x_at,
    cudnnFilterDescriptor_t w, const void* w_at, cudnnConvolutionDescriptor_t c, cudnnConvolutionFwdAlgo_t algorithm,
    void* workspace, size_t bytes, const void* alpha2_at, cudnnTensorDescriptor_t z, const void* z_at,
    cudnnTensorDescriptor_t bias, const void* bias_at, cudnnActivationDescriptor_t a, cudnnTensorDescriptor_t y,
    void* y_at) {
  return enter("cudnnConvolutionBiasActivationForward", [&] {
    cudnnContext& h = handle_of(handle);
    const Problem problem = problem_of(x, w, c, y);
    const cudnnActivationStruct act = activation(a);
    const cudnnTensorStruct &zt = tensor(z, "zDesc"), &bt = tensor(bias, "biasDesc");
    require(act.mode == CUDNN_ACTIVATION_RELU || act.mode == CUDNN_ACTIVATION_IDENTITY,
            "activations other than ReLU and the identity", CUDNN_STATUS_NOT_SUPPORTED);
    require(act.mode == CUDNN_ACTIVATION_RELU || algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
            "the identity wants IMPLICIT_PRECOMP_GEMM", CUDNN_STATUS_NOT_SUPPORTED);
    require(zt.type == problem.y.type && zt.dims == problem.y.dims && zt.strides == problem.y.strides,
            "zDesc and yDesc differ", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    require(bt.type == problem.y.type, "the bias has another data type");
    require((bt.dims == std::array<int, 4>{1, problem.geometry.k, 1, 1}), "the bias is not 1 x channels x 1 x 1",
            CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    const double alpha1 = factor(alpha1_at, "alpha1"), alpha2 = factor(alpha2_at, "alpha2");
    const Operand input = operand(problem.x, x_at, "x", kAlign), weights = operand(problem.w.tensor, w_at, "w", kAlign),
                  residual = operand(zt, z_at, "z", kAlign), offsets = operand(bt, bias_at, "bias", element_bytes(bt)),
                  result = operand(problem.y, y_at, "y", kAlign);
    const Workspace scratch = workspace_of(workspace, bytes, Direction::forward, algorithm, problem);
    for (const Operand* o : {&input, &weights, &offsets, &residual}) {
      if (o != &residual || residual.address != result.address) softcudnn::require_apart(result, *o);
      require_apart(scratch, *o);
    }
    require_apart(scratch, result);
    launch(h, [=, g = problem.geometry] {
      const Values first = load(input), second = load(weights), b = load(offsets);
      const Values added = alpha2 != 0 ? load(residual) : Values();
      scratch.scribble();
      Values sums = products_forward(g, first, second);
      for (size_t i = 0; i < sums.size(); ++i) {
        const double v = alpha1 * sums[i] + (alpha2 != 0 ? alpha2 * added[i] : 0.0) + b[i % b.size()];
        const bool keep = act.mode == CUDNN_ACTIVATION_IDENTITY || v > 0 ||
                          (std::isnan(v) && act.nan == CUDNN_PROPAGATE_NAN);
        sums[i] = keep ? v : 0.0;
      }
      store(result, sums);
    });
  });
}
