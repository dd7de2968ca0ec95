/* Convolutions against their definition. */
#include <cmath>

#include "cudnn_objects.h"
#include "softgpu.h"

using namespace softgpu_tests;

namespace {

const Case kCases[] = {
    /* x (n, c, h, w), k, r, s, padding, strides, dilations, groups */
    {{2, 3, 17, 13}, 10, 7, 7, 3, 3, 2, 2, 1, 1},
    {{1, 16, 9, 11}, 24, 1, 1, 0, 0, 1, 1, 1, 1},
    {{3, 9, 7, 5}, 13, 1, 1, 0, 0, 2, 2, 1, 1},
    {{2, 8, 12, 12}, 16, 3, 3, 1, 1, 1, 1, 1, 1},
    {{1, 5, 10, 7}, 7, 3, 3, 1, 1, 2, 2, 1, 1},
    {{1, 12, 9, 9}, 20, 3, 3, 2, 2, 1, 1, 2, 2},
    {{2, 4, 15, 6}, 9, 3, 3, 4, 4, 1, 1, 4, 4},
    {{1, 6, 11, 8}, 4, 5, 3, 0, 2, 3, 1, 1, 2},
    {{1, 1, 1, 1}, 1, 1, 1, 0, 0, 1, 1, 1, 1},
    {{2, 6, 8, 9}, 15, 3, 3, 1, 1, 1, 1, 1, 1, 3},
    {{1, 4, 8, 7}, 6, 3, 2, 1, 0, 2, 1, 1, 1, 1, CUDNN_CONVOLUTION},
    {{1, 40, 33, 20}, 33, 3, 3, 1, 1, 1, 1, 1, 1}, /* enough for several threads */
};

std::string name(const Case& c, cudnnTensorFormat_t format, cudnnDataType_t type, const char* direction,
                 int algorithm) {
  return std::string(direction) + " algorithm " + std::to_string(algorithm) + (format ? " NHWC" : " NCHW") +
         (type ? " half " : " float ") + std::to_string(c.x[1]) + "x" + std::to_string(c.x[2]) + "x" +
         std::to_string(c.x[3]) + " to " + std::to_string(c.k) + ", filter " + std::to_string(c.r) + "x" +
         std::to_string(c.s);
}

template <class F>
void each_case(F f) {
  for (const Case& c : kCases)
    for (const cudnnTensorFormat_t format : {CUDNN_TENSOR_NCHW, CUDNN_TENSOR_NHWC})
      for (const cudnnDataType_t type : {CUDNN_DATA_FLOAT, CUDNN_DATA_HALF}) {
        Dnn dnn;
        Convolution conv(dnn, c, format, type);
        f(dnn, conv,
          [&](const char* direction, int algorithm) { return name(c, format, type, direction, algorithm); });
      }
}

const float kOne = 1, kZero = 0;

const Check forward("every forward algorithm computes the definition", [] {
  each_case([](Dnn& dnn, Convolution& conv, auto name) {
    int n, k, h, w;
    must_dnn(cudnnGetConvolution2dForwardOutputDim(conv.descriptor, conv.x.tensor, conv.w.filter, &n, &k, &h, &w),
             "dimensions");
    expect(h == conv.out[0] && w == conv.out[1] && n == conv.x.dims[0] && k == conv.w.dims[0], "output dimensions");
    cudnnConvolutionAlgoPerf_t found[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
    int count = 0;
    must_dnn(cudnnGetConvolutionForwardAlgorithm_v7(dnn.handle, conv.x.tensor, conv.w.filter, conv.descriptor,
                                                    conv.y.tensor, CUDNN_CONVOLUTION_FWD_ALGO_COUNT, &count, found),
             "heuristics");
    expect_equal(static_cast<uint64_t>(count), CUDNN_CONVOLUTION_FWD_ALGO_COUNT, "algorithms");
    int usable = 0;
    for (const auto& entry : found) {
      const auto algorithm = static_cast<cudnnConvolutionFwdAlgo_t>(entry.algo);
      const Scratch scratch(dnn, entry.memory);
      const cudnnStatus_t status = cudnnConvolutionForward(
          dnn.handle, &kOne, conv.x.tensor, conv.x.data(), conv.w.filter, conv.w.data(), conv.descriptor, algorithm,
          scratch.data(), scratch.size, &kZero, conv.y.tensor, conv.y.data());
      expect_status(status, entry.status, name("forward", entry.algo));
      if (status) continue;
      ++usable;
      expect_close(conv.y.download(), conv.sum_y, conv.y.type, name("forward", entry.algo));
    }
    expect(usable >= 2, "the two implicit algorithms compute everything");
  });
});

const Check backward_data("every algorithm of the gradient of the input computes the definition", [] {
  each_case([](Dnn& dnn, Convolution& conv, auto name) {
    cudnnConvolutionAlgoPerf_t found[CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT];
    int count = 0;
    must_dnn(cudnnGetConvolutionBackwardDataAlgorithm_v7(dnn.handle, conv.w.filter, conv.y.tensor, conv.descriptor,
                                                         conv.x.tensor, CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT, &count,
                                                         found),
             "heuristics");
    int usable = 0;
    for (const auto& entry : found) {
      const auto algorithm = static_cast<cudnnConvolutionBwdDataAlgo_t>(entry.algo);
      const Scratch scratch(dnn, entry.memory);
      const cudnnStatus_t status = cudnnConvolutionBackwardData(
          dnn.handle, &kOne, conv.w.filter, conv.w.data(), conv.y.tensor, conv.y.data(), conv.descriptor, algorithm,
          scratch.data(), scratch.size, &kZero, conv.x.tensor, conv.x.data());
      expect_status(status, entry.status, name("backward data", entry.algo));
      if (status) continue;
      ++usable;
      expect_close(conv.x.download(), conv.sum_dx, conv.x.type, name("backward data", entry.algo));
    }
    expect(usable >= 2, "the two implicit algorithms compute everything");
  });
});

const Check backward_filter("every algorithm of the gradient of the filter computes the definition", [] {
  each_case([](Dnn& dnn, Convolution& conv, auto name) {
    cudnnConvolutionAlgoPerf_t found[CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT];
    int count = 0;
    must_dnn(cudnnGetConvolutionBackwardFilterAlgorithm_v7(dnn.handle, conv.x.tensor, conv.y.tensor, conv.descriptor,
                                                           conv.w.filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT,
                                                           &count, found),
             "heuristics");
    int usable = 0;
    for (const auto& entry : found) {
      const auto algorithm = static_cast<cudnnConvolutionBwdFilterAlgo_t>(entry.algo);
      const Scratch scratch(dnn, entry.memory);
      const cudnnStatus_t status = cudnnConvolutionBackwardFilter(
          dnn.handle, &kOne, conv.x.tensor, conv.x.data(), conv.y.tensor, conv.y.data(), conv.descriptor, algorithm,
          scratch.data(), scratch.size, &kZero, conv.w.filter, conv.w.data());
      expect_status(status, entry.status, name("backward filter", entry.algo));
      if (status) continue;
      ++usable;
      expect_close(conv.w.download(), conv.sum_dw, conv.w.type, name("backward filter", entry.algo));
    }
    expect(usable >= 2, "the two implicit algorithms compute everything");
  });
});

/* Runs one convolution forward with factors. */
cudnnStatus_t run_forward(Dnn& dnn, Convolution& conv, float alpha, float beta) {
  return cudnnConvolutionForward(dnn.handle, &alpha, conv.x.tensor, conv.x.data(), conv.w.filter, conv.w.data(),
                                 conv.descriptor, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, nullptr, 0, &beta,
                                 conv.y.tensor, conv.y.data());
}

const Check factors("alpha scales the convolution and beta what was there", [] {
  Dnn dnn;
  Convolution conv(dnn, kCases[3], CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  must_dnn(run_forward(dnn, conv, 0.5f, -3.0f), "forward");
  std::vector<double> wanted(conv.y.size());
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = 0.5 * conv.sum_y[i] - 3 * conv.y.values[i];
  expect_close(conv.y.download(), wanted, CUDNN_DATA_FLOAT, "alpha and beta");
});

const Check random_order("algorithms that add in no fixed order differ from run to run in last bits, others never", [] {
  Dnn dnn;
  Convolution conv(dnn, kCases[3], CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  for (const auto algorithm : {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1}) {
    const Scratch scratch(dnn, 1 << 20);
    std::vector<double> results[2];
    for (auto& result : results) {
      must_dnn(cudnnConvolutionBackwardFilter(dnn.handle, &kOne, conv.x.tensor, conv.x.data(), conv.y.tensor,
                                              conv.y.data(), conv.descriptor, algorithm, scratch.data(), scratch.size,
                                              &kZero, conv.w.filter, conv.w.data()),
               "backward filter");
      result = conv.w.download();
      expect_close(result, conv.sum_dw, CUDNN_DATA_FLOAT, "backward filter");
    }
    expect((results[0] == results[1]) == (algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1), "equal bits");
  }
});

const Check captured("a convolution under capture runs when the graph is launched", [] {
  Dnn dnn;
  Convolution conv(dnn, kCases[1], CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  void *stream = nullptr, *graph = nullptr, *executable = nullptr;
  Session::must(cuStreamCreate(&stream, 1), "stream");
  must_dnn(cudnnSetStream(dnn.handle, stream), "cudnnSetStream");
  Session::must(cuStreamBeginCapture_v2(stream, 0), "capture");
  must_dnn(run_forward(dnn, conv, 1, 0), "forward");
  Session::must(cuStreamEndCapture(stream, &graph), "capture");
  expect_same(conv.y.download(), conv.y.values, "nothing ran during the capture");
  Session::must(cuGraphInstantiateWithFlags(&executable, graph, 0), "instantiate");
  Session::must(cuGraphLaunch(executable, stream), "launch");
  Session::must(cuStreamSynchronize(stream), "synchronize");
  expect_close(conv.y.download(), conv.sum_y, CUDNN_DATA_FLOAT, "after the launch");
  Session::must(cuGraphExecDestroy(executable), "destroy");
  Session::must(cuGraphDestroy(graph), "destroy");
});

struct Fused {
  Fused(Dnn& dnn, const Case& c, cudnnTensorFormat_t format, cudnnDataType_t type, cudnnActivationMode_t mode)
      : conv(dnn, c, format, type), z(dnn, conv.y.dims, format, type), bias(dnn, {1, c.k, 1, 1}, format, type) {
    Random random{5};
    for (Tensor* t : {&z, &bias}) {
      t->randomise(random);
      t->upload();
    }
    must_dnn(cudnnCreateActivationDescriptor(&activation), "activation");
    must_dnn(cudnnSetActivationDescriptor(activation, mode, CUDNN_PROPAGATE_NAN, 0), "activation");
  }
  ~Fused() { must_dnn(cudnnDestroyActivationDescriptor(activation), "activation"); }

  cudnnStatus_t run(Dnn& dnn, float alpha1, float alpha2, void* residual, void* result,
                    cudnnConvolutionFwdAlgo_t algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM) {
    const Scratch scratch(dnn, 1 << 16);
    return cudnnConvolutionBiasActivationForward(
        dnn.handle, &alpha1, conv.x.tensor, conv.x.data(), conv.w.filter, conv.w.data(), conv.descriptor, algorithm,
        scratch.data(), scratch.size, &alpha2, z.tensor, residual, bias.tensor, bias.data(), activation,
        conv.y.tensor, result);
  }

  std::vector<double> wanted(double alpha1, double alpha2, bool relu) const {
    std::vector<double> out(conv.sum_y);
    const size_t area = static_cast<size_t>(conv.out[0] * conv.out[1]);
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = alpha1 * out[i] + alpha2 * z.values[i] + bias.values[i / area % bias.size()];
      if (relu && out[i] < 0) out[i] = 0;
    }
    return out;
  }

  Convolution conv;
  Tensor z, bias;
  cudnnActivationDescriptor_t activation = nullptr;
};

const Check fused("the fused call adds residual and bias and clips; the output may be the residual", [] {
  for (const Case& c : {kCases[0], kCases[5]})
    for (const cudnnTensorFormat_t format : {CUDNN_TENSOR_NCHW, CUDNN_TENSOR_NHWC})
      for (const cudnnDataType_t type : {CUDNN_DATA_FLOAT, CUDNN_DATA_HALF})
        for (const bool relu : {false, true}) {
          Dnn dnn;
          Fused f(dnn, c, format, type, relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY);
          must_dnn(f.run(dnn, 1, 1, f.z.data(), f.conv.y.data()), "fused");
          expect_close(f.conv.y.download(), f.wanted(1, 1, relu), type, "beside the residual");
          must_dnn(f.run(dnn, 2, -0.5f, f.z.data(), f.z.data()), "fused");
          expect_close(f.z.download(), f.wanted(2, -0.5, relu), type, "over the residual");
        }
});

const Check fused_refusals("the fused call refuses what cuDNN does not fuse", [] {
  Dnn dnn;
  Fused f(dnn, kCases[3], CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, CUDNN_ACTIVATION_IDENTITY);
  expect_status(f.run(dnn, 1, 0, f.z.data(), f.conv.y.data(), CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM),
                CUDNN_STATUS_NOT_SUPPORTED, "identity without IMPLICIT_PRECOMP_GEMM");
  must_dnn(cudnnSetActivationDescriptor(f.activation, CUDNN_ACTIVATION_TANH, CUDNN_PROPAGATE_NAN, 0), "tanh");
  expect_status(f.run(dnn, 1, 0, f.z.data(), f.conv.y.data()), CUDNN_STATUS_NOT_SUPPORTED, "tanh");
  must_dnn(cudnnSetActivationDescriptor(f.activation, CUDNN_ACTIVATION_RELU, CUDNN_PROPAGATE_NAN, 0), "ReLU");
  expect_status(f.run(dnn, 1, 0, nullptr, f.conv.y.data()), CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no residual");
  expect_status(f.run(dnn, 1, 1, f.z.data(), static_cast<char*>(f.z.data()) + 16), CUDNN_STATUS_BAD_PARAM,
                "an output that overlaps the residual in part");
  expect_status(f.run(dnn, 1, 1, f.z.data(), f.conv.x.data()), CUDNN_STATUS_BAD_PARAM, "an output over the input");
  must_dnn(cudnnSetTensor4dDescriptor(f.bias.tensor, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1, 8, 1, 1), "bias");
  expect_status(f.run(dnn, 1, 1, f.z.data(), f.conv.y.data()), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
                "a bias of another length");
});

}  // namespace
