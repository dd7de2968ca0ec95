/*
 * Which algorithm supports what, after the tables of cuDNN's documentation of the three convolution
 * functions, and the workspaces, whose sizes are this library's own: of the order of the real ones,
 * never to be relied on.
 */
#include "problem.h"

#include <algorithm>

namespace softcudnn {
namespace {

/* The algorithms of the three directions under one set of names. */
enum class Method { implicit, precomputed, gemm, direct, fft, fft_tiling, winograd, winograd_nonfused, third };

constexpr Method kForward[] = {Method::implicit, Method::precomputed, Method::gemm,     Method::direct,
                               Method::fft,      Method::fft_tiling,  Method::winograd, Method::winograd_nonfused};
constexpr Method kBackwardData[] = {Method::implicit,   Method::precomputed, Method::fft,
                                    Method::fft_tiling, Method::winograd,    Method::winograd_nonfused};
constexpr Method kBackwardFilter[] = {Method::implicit, Method::precomputed,       Method::fft,       Method::third,
                                      Method::winograd, Method::winograd_nonfused, Method::fft_tiling};

Method method_of(Direction direction, int algorithm) {
  require(algorithm >= 0 && algorithm < algorithms(direction), "no algorithm: " + std::to_string(algorithm));
  return direction == Direction::forward         ? kForward[algorithm]
         : direction == Direction::backward_data ? kBackwardData[algorithm]
                                                 : kBackwardFilter[algorithm];
}

/* Why the method cannot compute the problem; empty if it can. */
std::string obstacle(Direction direction, Method method, const Problem& problem) {
  const Geometry& g = problem.geometry;
  const bool basic = method == Method::implicit || method == Method::precomputed;
  if (method == Method::direct) return "the algorithm is not implemented";
  if (problem.w.format == CUDNN_TENSOR_NHWC) {
    if (!basic) return "the algorithm has no NHWC filters";
    if (!is_packed(problem.x, CUDNN_TENSOR_NHWC) || !is_packed(problem.y, CUDNN_TENSOR_NHWC))
      return "an NHWC filter wants packed NHWC tensors";
    return "";
  }
  if (basic) return "";
  if (!is_packed(problem.x, CUDNN_TENSOR_NCHW) || !is_packed(problem.y, CUDNN_TENSOR_NCHW))
    return "the algorithm wants packed NCHW tensors";
  if (g.dilation_h != 1 || g.dilation_w != 1) return "the algorithm has no dilation";
  if (method == Method::gemm || method == Method::third) return "";
  if (g.groups != 1) return "the algorithm has no groups";
  if (g.stride_h != 1 || g.stride_w != 1) return "the algorithm has no strides";
  switch (method) {
    case Method::fft:
      if (g.h + 2 * g.pad_h > 256 || g.w + 2 * g.pad_w > 256) return "the padded image is larger than 256";
      return g.pad_h >= g.r || g.pad_w >= g.s ? "the padding is not less than the filter" : "";
    case Method::fft_tiling:
      if (g.r > 32 || g.s > 32) return "the filter is larger than 32";
      return g.pad_h >= g.r || g.pad_w >= g.s ? "the padding is not less than the filter" : "";
    case Method::winograd:
      if (direction == Direction::backward_filter) return "the algorithm is not implemented";
      return g.r != 3 || g.s != 3 || g.pad_h > 1 || g.pad_w > 1 ? "the algorithm computes 3x3 filters only" : "";
    default: /* winograd_nonfused */
      return g.r != g.s || (g.r != 3 && !(g.r == 5 && direction != Direction::backward_filter))
                 ? "the algorithm computes 3x3 and 5x5 filters only"
                 : "";
  }
}

double size_of_filter(const Geometry& g) { return double(g.k) * g.r * g.s * g.group_c(); }

/* Milliseconds that only rank: not a statement about any card. Algorithms that need much memory, and
   those that add in no fixed order, come before the plain ones, as is common. */
float rank(Direction direction, Method method, const Problem& problem) {
  const Geometry& g = problem.geometry;
  const double work = double(g.n) * g.p * g.q * size_of_filter(g) * 1e-9;
  double share = 1;
  switch (method) {
    case Method::winograd_nonfused: share = 0.5; break;
    case Method::winograd: share = 0.6; break;
    case Method::third: share = 0.7; break;
    case Method::implicit: share = direction == Direction::forward ? 1.3 : 0.8; break;
    case Method::precomputed: share = 1; break;
    case Method::gemm: share = 1.5; break;
    case Method::fft_tiling: share = 1.8; break;
    default: share = 2; break;
  }
  return static_cast<float>(0.01 + work * share);
}

}  // namespace

std::array<int, 2> output_size(const cudnnTensorStruct& x, const cudnnTensorStruct& w,
                               const cudnnConvolutionStruct& convolution) {
  std::array<int, 2> size{};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t reach = int64_t{w.dims[2 + i] - 1} * convolution.dilation[i] + 1;
    const int64_t room = int64_t{x.dims[2 + i]} + 2 * int64_t{convolution.pad[i]} - reach;
    require(room >= 0, "the filter is larger than the padded input", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    size[i] = static_cast<int>(room / convolution.stride[i] + 1);
  }
  return size;
}

Problem problem_of(cudnnTensorDescriptor_t x_descriptor, cudnnFilterDescriptor_t w_descriptor,
                   cudnnConvolutionDescriptor_t convolution_descriptor, cudnnTensorDescriptor_t y_descriptor) {
  const cudnnTensorStruct &x = tensor(x_descriptor, "xDesc"), &y = tensor(y_descriptor, "yDesc");
  const cudnnFilterStruct& w = filter(w_descriptor, "wDesc");
  const cudnnConvolutionStruct& c = convolution(convolution_descriptor);
  require(x.type == w.tensor.type && x.type == y.type, "input, filter and output differ in their data type");
  require(c.compute == CUDNN_DATA_FLOAT, "a compute type other than float", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
  constexpr cudnnStatus_t kMismatch = CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  const auto& wd = w.tensor.dims;
  require(wd[0] % c.groups == 0 && x.dims[1] % c.groups == 0, "the groups do not divide the channels", kMismatch);
  require(x.dims[1] == wd[1] * c.groups,
          "the filter has " + std::to_string(wd[1]) + " channels, the input " + std::to_string(x.dims[1]), kMismatch);
  const auto size = output_size(x, w.tensor, c);
  const std::array<int, 4> wanted{x.dims[0], wd[0], size[0], size[1]};
  std::string text;
  for (const int d : wanted) text += " " + std::to_string(d);
  require(y.dims == wanted, "the output's dimensions should be" + text, kMismatch);
  Problem problem{{x.dims[0], x.dims[2], x.dims[3], x.dims[1], wd[0], wd[2], wd[3], size[0], size[1], c.pad[0],
                   c.pad[1], c.stride[0], c.stride[1], c.dilation[0], c.dilation[1], c.groups,
                   c.mode == CUDNN_CONVOLUTION},
                  x, y, w};
  return problem;
}

int algorithms(Direction direction) {
  switch (direction) {
    case Direction::forward: return CUDNN_CONVOLUTION_FWD_ALGO_COUNT;
    case Direction::backward_data: return CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT;
    default: return CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT;
  }
}

void require_algorithm(Direction direction, int algorithm, const Problem& problem) {
  const std::string why = obstacle(direction, method_of(direction, algorithm), problem);
  require(why.empty(), "algorithm " + std::to_string(algorithm) + ": " + why, CUDNN_STATUS_NOT_SUPPORTED);
}

size_t workspace_bytes(Direction direction, int algorithm, const Problem& problem) {
  const Geometry& g = problem.geometry;
  const double taps = double(g.r) * g.s, filter = size_of_filter(g);
  const double image = double(g.c) * (g.h + 2 * g.pad_h) * (g.w + 2 * g.pad_w);
  const double output = double(g.k) * g.p * g.q;
  double floats = 0;
  switch (method_of(direction, algorithm)) {
    case Method::implicit: break;
    case Method::precomputed:
      floats = direction == Direction::forward         ? taps * g.group_c() + 16 /* offsets of the patch */
               : direction == Direction::backward_data ? filter                  /* transposed */
                                                       : 2 * filter;             /* partial sums */
      break;
    case Method::third: floats = filter; break;
    case Method::gemm: floats = taps * g.c * g.p * g.q; break; /* patches of an image */
    case Method::direct: break;
    case Method::fft: floats = 2 * (g.n * (image + output) + image * g.k); break;
    case Method::fft_tiling: floats = 2 * (g.n + g.k / 4 + 1) * image; break;
    case Method::winograd: floats = 16 * filter / taps; break;
    case Method::winograd_nonfused: floats = 36 * filter / taps + 2.25 * g.n * (image + output); break;
  }
  return static_cast<size_t>(floats) * 4;
}

bool is_deterministic(Direction direction, int algorithm) {
  const Method method = method_of(direction, algorithm);
  return direction == Direction::forward || (method != Method::implicit && method != Method::third);
}

std::vector<cudnnConvolutionAlgoPerf_t> ranking(Direction direction, const Problem& problem, size_t limit) {
  std::vector<cudnnConvolutionAlgoPerf_t> all;
  for (int algorithm = 0; algorithm < algorithms(direction); ++algorithm) {
    const Method method = method_of(direction, algorithm);
    cudnnConvolutionAlgoPerf_t entry{};
    entry.algo = algorithm;
    entry.determinism = is_deterministic(direction, algorithm) ? CUDNN_DETERMINISTIC : CUDNN_NON_DETERMINISTIC;
    entry.mathType = CUDNN_DEFAULT_MATH;
    if (obstacle(direction, method, problem).empty()) entry.memory = workspace_bytes(direction, algorithm, problem);
    else entry.status = CUDNN_STATUS_NOT_SUPPORTED;
    if (entry.memory > limit) entry.status = CUDNN_STATUS_ALLOC_FAILED;
    entry.time = entry.status == CUDNN_STATUS_SUCCESS ? rank(direction, method, problem) : -1;
    all.push_back(entry);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    const bool first = a.status == CUDNN_STATUS_SUCCESS, second = b.status == CUDNN_STATUS_SUCCESS;
    return first != second ? first : first && a.time < b.time;
  });
  return all;
}

}  // namespace softcudnn
