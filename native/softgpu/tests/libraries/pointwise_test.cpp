/* Sums, transforms and activations of tensors in the cuDNN stand-in. */
#include <cmath>

#include "cudnn_objects.h"

using namespace softgpu_tests;

namespace {

const float kOne = 1, kZero = 0, kHalf = 0.5f, kTwo = 2;

struct Pair {
  Pair(Dnn& dnn, std::array<int, 4> first, std::array<int, 4> second, cudnnTensorFormat_t a, cudnnTensorFormat_t b,
       cudnnDataType_t type)
      : from(dnn, first, a, type), to(dnn, second, b, type) {
    Random random{9};
    for (Tensor* t : {&from, &to}) {
      t->randomise(random);
      t->upload();
    }
  }
  Tensor from, to;
};

template <class F>
void each_kind(F f) {
  for (const cudnnTensorFormat_t a : {CUDNN_TENSOR_NCHW, CUDNN_TENSOR_NHWC})
    for (const cudnnTensorFormat_t b : {CUDNN_TENSOR_NCHW, CUDNN_TENSOR_NHWC})
      for (const cudnnDataType_t type : {CUDNN_DATA_FLOAT, CUDNN_DATA_HALF}) f(a, b, type);
}

const Check add("cudnnAddTensor adds a tensor of the same size, or one value a channel, row or image", [] {
  each_kind([](cudnnTensorFormat_t a, cudnnTensorFormat_t b, cudnnDataType_t type) {
    for (const std::array<int, 4> dims : {std::array<int, 4>{3, 5, 2, 7}, {1, 5, 1, 1}, {3, 1, 2, 1}, {1, 1, 1, 1}}) {
      Dnn dnn;
      Pair p(dnn, dims, {3, 5, 2, 7}, a, b, type);
      must_dnn(cudnnAddTensor(dnn.handle, &kTwo, p.from.tensor, p.from.data(), &kHalf, p.to.tensor, p.to.data()),
               "add");
      std::vector<double> wanted;
      for (int n = 0; n < 3; ++n)
        for (int c = 0; c < 5; ++c)
          for (int h = 0; h < 2; ++h)
            for (int w = 0; w < 7; ++w)
              wanted.push_back(2 * p.from.at(n % dims[0], c % dims[1], h % dims[2], w % dims[3]) +
                               0.5 * p.to.at(n, c, h, w));
      expect_close(p.to.download(), wanted, type, "the sum");
    }
  });
});

const Check transform("cudnnTransformTensor changes the layout and nothing else", [] {
  each_kind([](cudnnTensorFormat_t a, cudnnTensorFormat_t b, cudnnDataType_t type) {
    Dnn dnn;
    Pair p(dnn, {2, 7, 5, 3}, {2, 7, 5, 3}, a, b, type);
    must_dnn(cudnnTransformTensor(dnn.handle, &kOne, p.from.tensor, p.from.data(), &kZero, p.to.tensor, p.to.data()),
             "transform");
    expect_same(p.to.download(), p.from.values, "the values");
  });
});

const Check strided("a tensor with gaps keeps what lies in the gaps", [] {
  Dnn dnn;
  Tensor from(dnn, {2, 3, 2, 2}, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  Random random{4};
  from.randomise(random);
  from.upload();
  const std::vector<float> before(2 * 2 * 2 * 8, 77.0f);
  const DevicePointer wide = dnn.upload(before); /* 8 channels, of which 3 from the second on are the tensor */
  cudnnTensorDescriptor_t slice;
  must_dnn(cudnnCreateTensorDescriptor(&slice), "descriptor");
  must_dnn(cudnnSetTensor4dDescriptorEx(slice, CUDNN_DATA_FLOAT, 2, 3, 2, 2, 32, 1, 16, 8), "descriptor");
  size_t bytes = 0;
  must_dnn(cudnnGetTensorSizeInBytes(slice, &bytes), "size");
  expect_equal(bytes, (32 + 16 + 8 + 2 + 1) * 4, "bytes from the first to the last element");
  must_dnn(cudnnTransformTensor(dnn.handle, &kOne, from.tensor, from.data(), &kZero, slice,
                                reinterpret_cast<void*>(wide + 4)),
           "transform");
  const auto after = dnn.download<float>(wide, before.size());
  bool kept = true, written = true;
  for (int pixel = 0; pixel < 8; ++pixel)
    for (int c = 0; c < 8; ++c) {
      const float v = after[static_cast<size_t>(pixel * 8 + c)];
      const bool inside = c >= 1 && c < 4;
      if (inside) written = written && v == from.at(pixel / 4, c - 1, pixel / 2 % 2, pixel % 2);
      else kept = kept && v == 77.0f;
    }
  expect(written, "the slice");
  expect(kept, "the gaps");
  must_dnn(cudnnDestroyTensorDescriptor(slice), "descriptor");
});

const Check activations("activations follow their formulas, in place too", [] {
  struct Kind {
    cudnnActivationMode_t mode;
    double coef;
    double (*formula)(double);
  };
  const Kind kinds[] = {{CUDNN_ACTIVATION_RELU, 0, [](double v) { return std::fmax(v, 0); }},
                        {CUDNN_ACTIVATION_CLIPPED_RELU, 1.5, [](double v) { return std::fmin(std::fmax(v, 0), 1.5); }},
                        {CUDNN_ACTIVATION_SIGMOID, 0, [](double v) { return 0.5 + 0.5 * std::tanh(v / 2); }},
                        {CUDNN_ACTIVATION_TANH, 0, [](double v) { return 1 - 2 / (std::exp(2 * v) + 1); }},
                        {CUDNN_ACTIVATION_ELU, 0.75, [](double v) { return v > 0 ? v : 0.75 * (std::exp(v) - 1); }}};
  for (const Kind& kind : kinds) {
    Dnn dnn;
    Pair p(dnn, {1, 3, 4, 5}, {1, 3, 4, 5}, CUDNN_TENSOR_NHWC, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT);
    cudnnActivationDescriptor_t activation;
    must_dnn(cudnnCreateActivationDescriptor(&activation), "activation");
    must_dnn(cudnnSetActivationDescriptor(activation, kind.mode, CUDNN_NOT_PROPAGATE_NAN, kind.coef), "activation");
    std::vector<double> wanted(p.from.values);
    for (double& v : wanted) v = kind.formula(v);
    must_dnn(cudnnActivationForward(dnn.handle, activation, &kOne, p.from.tensor, p.from.data(), &kZero, p.to.tensor,
                                    p.to.data()),
             "activation");
    expect_close(p.to.download(), wanted, CUDNN_DATA_FLOAT, "mode " + std::to_string(kind.mode));
    must_dnn(cudnnActivationForward(dnn.handle, activation, &kOne, p.from.tensor, p.from.data(), &kZero,
                                    p.from.tensor, p.from.data()),
             "activation");
    expect_close(p.from.download(), wanted, CUDNN_DATA_FLOAT, "in place, mode " + std::to_string(kind.mode));
    must_dnn(cudnnDestroyActivationDescriptor(activation), "activation");
  }
});

const Check nan("ReLU keeps a NaN only where it is told to", [] {
  Dnn dnn;
  Tensor x(dnn, {1, 1, 1, 1}, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT);
  cudnnActivationDescriptor_t activation;
  must_dnn(cudnnCreateActivationDescriptor(&activation), "activation");
  for (const bool keep : {false, true}) {
    x.values[0] = NAN;
    x.upload();
    must_dnn(cudnnSetActivationDescriptor(activation, CUDNN_ACTIVATION_RELU,
                                          keep ? CUDNN_PROPAGATE_NAN : CUDNN_NOT_PROPAGATE_NAN, 0),
             "activation");
    must_dnn(cudnnActivationForward(dnn.handle, activation, &kOne, x.tensor, x.data(), &kZero, x.tensor, x.data()),
             "activation");
    expect(std::isnan(x.download()[0]) == keep, keep ? "the NaN is kept" : "the NaN becomes 0");
  }
  must_dnn(cudnnDestroyActivationDescriptor(activation), "activation");
});

const Check bias("the gradient of the bias is the sum over images and pixels", [] {
  each_kind([](cudnnTensorFormat_t a, cudnnTensorFormat_t b, cudnnDataType_t type) {
    Dnn dnn;
    Pair p(dnn, {3, 6, 5, 4}, {1, 6, 1, 1}, a, b, type);
    must_dnn(cudnnConvolutionBackwardBias(dnn.handle, &kHalf, p.from.tensor, p.from.data(), &kTwo, p.to.tensor,
                                          p.to.data()),
             "bias");
    std::vector<double> wanted;
    for (int c = 0; c < 6; ++c) {
      double sum = 0;
      for (int n = 0; n < 3; ++n)
        for (int h = 0; h < 5; ++h)
          for (int w = 0; w < 4; ++w) sum += p.from.at(n, c, h, w);
      wanted.push_back(0.5 * sum + 2 * p.to.values[static_cast<size_t>(c)]);
    }
    expect_close(p.to.download(), wanted, type, "the sums");
  });
});

}  // namespace
