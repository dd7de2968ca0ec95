/* Sums, transforms and activations of tensors. */
#include <cmath>

#include "softgpu.h"
#include "values.h"

using namespace softcudnn;

namespace {

/* y = alpha * change(x) + beta * y, where y is read only if beta is not 0. */
void blend(cudnnContext& handle, double alpha, const Operand& x, double beta, const Operand& y,
           double (*change)(double, const cudnnActivationStruct&) = nullptr, cudnnActivationStruct how = {}) {
  launch(handle, [=] {
    Values values = load(x);
    const Values old = beta != 0 ? load(y) : Values();
    for (size_t i = 0; i < values.size(); ++i) {
      const double v = change ? change(values[i], how) : values[i];
      values[i] = alpha * v + (beta != 0 ? beta * old[i] : 0.0);
    }
    store(y, values);
  });
}

double activate(double v, const cudnnActivationStruct& how) {
  switch (how.mode) {
    case CUDNN_ACTIVATION_SIGMOID: return 1 / (1 + std::exp(-v));
    case CUDNN_ACTIVATION_TANH: return std::tanh(v);
    case CUDNN_ACTIVATION_ELU: return v > 0 ? v : how.coef * std::expm1(v);
    default: break; /* RELU, CLIPPED_RELU */
  }
  if (std::isnan(v)) return how.nan == CUDNN_PROPAGATE_NAN ? v : 0;
  const double positive = v > 0 ? v : 0;
  return how.mode == CUDNN_ACTIVATION_CLIPPED_RELU && positive > how.coef ? how.coef : positive;
}

}  // namespace

CUDNN_API cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t handle, const void* alpha_at,
                                                     cudnnTensorDescriptor_t dy, const void* dy_at,
                                                     const void* beta_at, cudnnTensorDescriptor_t db, void* db_at) {
  return enter("cudnnConvolutionBackwardBias", [&] {
    cudnnContext& h = handle_of(handle);
    const cudnnTensorStruct &from = tensor(dy, "dyDesc"), &to = tensor(db, "dbDesc");
    require(from.type == to.type, "dy and db differ in their data type");
    require((to.dims == std::array<int, 4>{1, from.dims[1], 1, 1}), "db is not 1 x channels x 1 x 1",
            CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    const double alpha = factor(alpha_at, "alpha"), beta = factor(beta_at, "beta");
    const Operand source = operand(from, dy_at, "dy", element_bytes(from));
    const Operand target = operand(to, db_at, "db", element_bytes(to));
    require_apart(source, target);
    launch(h, [=] {
      const Values values = load(source);
      const Values old = beta != 0 ? load(target) : Values();
      Values sums(count(target.tensor));
      for (size_t i = 0; i < values.size(); ++i) sums[i % sums.size()] += values[i];
      for (size_t i = 0; i < sums.size(); ++i) sums[i] = alpha * sums[i] + (beta != 0 ? beta * old[i] : 0.0);
      store(target, sums);
    });
  });
}

/* c = alpha * a + beta * c, where a's dimensions are c's or 1. */
CUDNN_API cudnnStatus_t cudnnAddTensor(cudnnHandle_t handle, const void* alpha_at, cudnnTensorDescriptor_t a,
                                       const void* a_at, const void* beta_at, cudnnTensorDescriptor_t c, void* c_at) {
  return enter("cudnnAddTensor", [&] {
    cudnnContext& h = handle_of(handle);
    const cudnnTensorStruct &from = tensor(a, "aDesc"), &to = tensor(c, "cDesc");
    require(from.type == to.type, "the tensors differ in their data type");
    for (size_t i = 0; i < 4; ++i)
      require(from.dims[i] == to.dims[i] || from.dims[i] == 1, "a dimension is neither the target's nor 1",
              CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    const double alpha = factor(alpha_at, "alpha"), beta = factor(beta_at, "beta");
    const Operand source = operand(from, a_at, "A", element_bytes(from));
    const Operand target = operand(to, c_at, "C", element_bytes(to));
    if (source.address != target.address) require_apart(source, target);
    launch(h, [=] {
      const Values added = load(source);
      const Values old = beta != 0 ? load(target) : Values();
      Values sums(count(target.tensor));
      const auto& [n, channels, height, width] = target.tensor.dims;
      const auto& dims = source.tensor.dims;
      const auto at = [&](int axis, int i) { return dims[static_cast<size_t>(axis)] == 1 ? 0 : i; };
      size_t i = 0;
      for (int in = 0; in < n; ++in)
        for (int ih = 0; ih < height; ++ih)
          for (int iw = 0; iw < width; ++iw)
            for (int ic = 0; ic < channels; ++ic, ++i) {
              const int64_t pixel = (int64_t{at(0, in)} * dims[2] + at(2, ih)) * dims[3] + at(3, iw);
              const double value = added[static_cast<size_t>(pixel * dims[1] + at(1, ic))];
              sums[i] = alpha * value + (beta != 0 ? beta * old[i] : 0.0);
            }
      store(target, sums);
    });
  });
}

CUDNN_API cudnnStatus_t cudnnTransformTensor(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                             const void* x_at, const void* beta, cudnnTensorDescriptor_t y,
                                             void* y_at) {
  return enter("cudnnTransformTensor", [&] {
    cudnnContext& h = handle_of(handle);
    const cudnnTensorStruct &from = tensor(x, "xDesc"), &to = tensor(y, "yDesc");
    require(from.type == to.type, "the tensors differ in their data type");
    require(from.dims == to.dims, "the tensors differ in their dimensions", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    const Operand source = operand(from, x_at, "x", element_bytes(from));
    const Operand target = operand(to, y_at, "y", element_bytes(to));
    require_apart(source, target);
    blend(h, factor(alpha, "alpha"), source, factor(beta, "beta"), target);
  });
}

CUDNN_API cudnnStatus_t cudnnActivationForward(cudnnHandle_t handle, cudnnActivationDescriptor_t a, const void* alpha,
                                               cudnnTensorDescriptor_t x, const void* x_at, const void* beta,
                                               cudnnTensorDescriptor_t y, void* y_at) {
  return enter("cudnnActivationForward", [&] {
    cudnnContext& h = handle_of(handle);
    const cudnnActivationStruct how = activation(a);
    const cudnnTensorStruct &from = tensor(x, "xDesc"), &to = tensor(y, "yDesc");
    require(from.type == to.type, "the tensors differ in their data type");
    require(from.dims == to.dims, "the tensors differ in their dimensions", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    require(how.mode <= CUDNN_ACTIVATION_ELU, "the activation", CUDNN_STATUS_NOT_SUPPORTED);
    const Operand source = operand(from, x_at, "x", element_bytes(from));
    const Operand target = operand(to, y_at, "y", element_bytes(to));
    if (source.address == target.address)
      require(from.strides == to.strides, "in place with different strides");
    else
      require_apart(source, target);
    blend(h, factor(alpha, "alpha"), source, factor(beta, "beta"), target, activate, how);
  });
}
