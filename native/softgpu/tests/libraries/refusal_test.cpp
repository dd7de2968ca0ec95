/* What the cuDNN stand-in refuses, and what it finds wrong with memory. */
#include <cmath>

#include "cudnn_objects.h"
#include "softgpu.h"

using namespace softgpu_tests;

namespace {

const float kOne = 1, kZero = 0;
const Case kPlain = {{1, 8, 6, 6}, 16, 3, 3, 1, 1, 1, 1, 1, 1};

/* A forward call of which a test changes one thing. */
struct Call {
  explicit Call(Convolution& conv)
      : x(conv.x.data()), w(conv.w.data()), y(conv.y.data()), conv_(&conv) {}

  cudnnStatus_t operator()(Dnn& dnn) const {
    return cudnnConvolutionForward(dnn.handle, alpha, conv_->x.tensor, x, conv_->w.filter, w, conv_->descriptor,
                                   static_cast<cudnnConvolutionFwdAlgo_t>(algorithm), workspace, bytes, &kZero,
                                   conv_->y.tensor, y);
  }

  const float* alpha = &kOne;
  void *x, *w, *y, *workspace = nullptr;
  size_t bytes = 0;
  int algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;

 private:
  Convolution* conv_;
};

void* moved(void* pointer, int bytes) { return static_cast<char*>(pointer) + bytes; }

const Check pointers("null, misaligned and overlapping operands are refused", [] {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  const Call good(conv);
  expect_status(good(dnn), CUDNN_STATUS_SUCCESS, "the call that the others vary");
  Call call = good;
  call.alpha = nullptr;
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no alpha");
  call = good, call.x = nullptr;
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no x");
  call = good, call.w = moved(call.w, 4);
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "w at 4 bytes");
  call = good, call.y = call.x;
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM, "y over x");
  expect_contains(last_dnn_error(), "share memory");
  call = good, call.algorithm = 8;
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM, "an algorithm that there is not");
  expect(last_report().empty(), "nothing reached the device");
});

const Check workspaces("too small a workspace, none and a misaligned one are refused", [] {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  Call call(conv);
  call.algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
  size_t needed = 0;
  must_dnn(cudnnGetConvolutionForwardWorkspaceSize(dnn.handle, conv.x.tensor, conv.w.filter, conv.descriptor,
                                                   conv.y.tensor,
                                                   CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, &needed),
           "workspace");
  expect(needed > 0, "the algorithm needs memory");
  const Scratch scratch(dnn, needed + 8);
  call.workspace = scratch.data();
  call.bytes = needed - 1;
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "one byte less");
  call.bytes = needed;
  expect_status(call(dnn), CUDNN_STATUS_SUCCESS, "just enough");
  call.workspace = moved(scratch.data(), 8);
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "a workspace at 8 bytes");
  call.workspace = nullptr;
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no workspace");
  call.workspace = conv.y.data();
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM, "the output as workspace");
});

const Check overwritten("a workspace holds nothing that may be read afterwards", [] {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  Tensor other(dnn, {1, 256, 4, 4}, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  other.upload();
  Call call(conv);
  call.algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
  call.workspace = other.data();
  call.bytes = other.bytes();
  expect_status(call(dnn), CUDNN_STATUS_SUCCESS, "forward");
  expect_status(cudnnAddTensor(dnn.handle, &kOne, other.tensor, other.data(), &kZero, other.tensor, other.data()),
                CUDNN_STATUS_EXECUTION_FAILED, "a sum of what the workspace overwrote");
  expect_contains(last_report(), "nothing wrote");
});

const Check layouts("NHWC filters have the two implicit algorithms and want NHWC tensors", [] {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  Call call(conv);
  for (int algorithm = 2; algorithm < CUDNN_CONVOLUTION_FWD_ALGO_COUNT; ++algorithm) {
    call.algorithm = algorithm;
    expect_status(call(dnn), CUDNN_STATUS_NOT_SUPPORTED, "NHWC, algorithm " + std::to_string(algorithm));
  }
  call.algorithm = 0;
  must_dnn(cudnnSetTensor4dDescriptor(conv.x.tensor, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 8, 6, 6), "x");
  expect_status(call(dnn), CUDNN_STATUS_NOT_SUPPORTED, "an NCHW input with an NHWC filter");
});

struct Supported {
  Case problem;
  bool gemm, fft, winograd, winograd_nonfused;
};

const Check limits("algorithms refuse strides, dilations and filters that they lack", [] {
  const Supported all[] = {
      {kPlain, true, true, true, true},
      {{{1, 8, 6, 6}, 16, 3, 3, 1, 1, 2, 2, 1, 1}, true, false, false, false}, /* stride 2 */
      {{{1, 8, 6, 6}, 16, 3, 3, 2, 2, 1, 1, 2, 2}, false, false, false, false}, /* dilation 2 */
      {{{1, 8, 6, 6}, 16, 1, 1, 0, 0, 1, 1, 1, 1}, true, true, false, false}, /* 1x1 */
      {{{1, 8, 6, 6}, 16, 5, 5, 2, 2, 1, 1, 1, 1}, true, true, false, true}, /* 5x5 */
      {{{1, 8, 300, 6}, 4, 3, 3, 1, 1, 1, 1, 1, 1}, true, false, true, true}, /* a tall image */
      {{{1, 8, 6, 6}, 16, 3, 3, 1, 1, 1, 1, 1, 1, 2}, true, false, false, false}, /* groups */
  };
  for (const Supported& s : all) {
    Dnn dnn;
    Convolution conv(dnn, s.problem, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT);
    const std::pair<int, bool> expected[] = {{CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, true},
                                             {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, true},
                                             {CUDNN_CONVOLUTION_FWD_ALGO_GEMM, s.gemm},
                                             {CUDNN_CONVOLUTION_FWD_ALGO_DIRECT, false},
                                             {CUDNN_CONVOLUTION_FWD_ALGO_FFT, s.fft},
                                             {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, s.winograd},
                                             {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, s.winograd_nonfused}};
    for (const auto& [algorithm, supported] : expected) {
      size_t bytes = 0;
      expect_status(cudnnGetConvolutionForwardWorkspaceSize(dnn.handle, conv.x.tensor, conv.w.filter, conv.descriptor,
                                                            conv.y.tensor,
                                                            static_cast<cudnnConvolutionFwdAlgo_t>(algorithm), &bytes),
                    supported ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED,
                    "algorithm " + std::to_string(algorithm) + ", filter " + std::to_string(s.problem.r));
    }
  }
});

const Check shapes("descriptors that do not fit together are refused", [] {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  const Call call(conv);
  const auto set_y = [&](int n, int c, int h, int w, cudnnDataType_t type) {
    must_dnn(cudnnSetTensor4dDescriptor(conv.y.tensor, CUDNN_TENSOR_NHWC, type, n, c, h, w), "y");
  };
  set_y(1, 16, 6, 5, CUDNN_DATA_FLOAT);
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a column less");
  set_y(1, 8, 6, 6, CUDNN_DATA_FLOAT);
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "other channels");
  set_y(1, 16, 6, 6, CUDNN_DATA_HALF);
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM, "another type");
  set_y(1, 16, 6, 6, CUDNN_DATA_FLOAT);
  expect_status(call(dnn), CUDNN_STATUS_SUCCESS, "as it should be");
  must_dnn(cudnnSetFilter4dDescriptor(conv.w.filter, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, 16, 4, 3, 3), "w");
  expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a filter of other channels");
});

const Check descriptors("descriptors refuse what means nothing, and calls refuse destroyed and empty ones", [] {
  Dnn dnn;
  cudnnTensorDescriptor_t t;
  must_dnn(cudnnCreateTensorDescriptor(&t), "descriptor");
  size_t bytes = 0;
  expect_status(cudnnGetTensorSizeInBytes(t, &bytes), CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "never set");
  expect_status(cudnnSetTensor4dDescriptor(t, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1, 0, 2, 2), CUDNN_STATUS_BAD_PARAM,
                "no channels");
  expect_status(cudnnSetTensor4dDescriptor(t, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1 << 11, 1 << 10, 1 << 10, 1),
                CUDNN_STATUS_NOT_SUPPORTED, "2^31 elements");
  expect_status(cudnnSetTensor4dDescriptor(t, CUDNN_TENSOR_NHWC, CUDNN_DATA_DOUBLE, 1, 1, 1, 1),
                CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "double");
  cudnnConvolutionDescriptor_t c;
  must_dnn(cudnnCreateConvolutionDescriptor(&c), "descriptor");
  expect_status(cudnnSetConvolution2dDescriptor(c, 0, 0, 0, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
                CUDNN_STATUS_BAD_PARAM, "stride 0");
  expect_status(cudnnSetConvolution2dDescriptor(c, -1, 0, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
                CUDNN_STATUS_BAD_PARAM, "negative padding");
  must_dnn(cudnnDestroyConvolutionDescriptor(c), "descriptor");
  expect_status(cudnnDestroyConvolutionDescriptor(c), CUDNN_STATUS_BAD_PARAM, "destroyed twice");
  must_dnn(cudnnDestroyTensorDescriptor(t), "descriptor");
  expect_status(cudnnSetTensor4dDescriptor(t, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1, 1, 1, 1), CUDNN_STATUS_BAD_PARAM,
                "a destroyed descriptor");
});

/* Each of these ends its context: one session each. */
template <class F>
void expect_fault(const std::string& report, F spoil) {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  Call call(conv);
  spoil(dnn, conv, call);
  expect_status(call(dnn), CUDNN_STATUS_EXECUTION_FAILED, report);
  expect_contains(last_report(), report);
  expect(cuMemsetD8_v2(conv.y.address, 0, 4) != 0, "the context has failed: " + report);
}

const Check memory("operands must lie in one live allocation of the device, and inputs must have been written", [] {
  expect_fault("x: read of bytes that nothing wrote", [](Dnn& dnn, Convolution& conv, Call& call) {
    call.x = reinterpret_cast<void*>(dnn.allocate(conv.x.bytes()));
  });
  expect_fault("w: read of bytes that nothing wrote: byte 4604", [](Dnn& dnn, Convolution& conv, Call& call) {
    const DevicePointer fresh = dnn.allocate(conv.w.bytes());
    Session::must(cuMemsetD8_v2(fresh, 0, conv.w.bytes() - 4), "fill");
    call.w = reinterpret_cast<void*>(fresh);
  });
  expect_fault("y: 2304 bytes", [](Dnn& dnn, Convolution& conv, Call& call) {
    call.y = reinterpret_cast<void*>(dnn.allocate(conv.y.bytes() - 4));
  });
  expect_fault("freed allocation", [](Dnn& dnn, Convolution& conv, Call& call) {
    const DevicePointer freed = dnn.allocate(conv.y.bytes());
    Session::must(cuMemFree_v2(freed), "free");
    call.y = reinterpret_cast<void*>(freed);
  });
  alignas(16) static float host[2304];
  expect_fault("no memory of a device", [](Dnn&, Convolution&, Call& call) { call.x = host; });
  expect_fault("workspace: 352 bytes", [](Dnn& dnn, Convolution&, Call& call) {
    call.algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    call.workspace = reinterpret_cast<void*>(dnn.allocate(64));
    call.bytes = 1 << 20;
  });
});

const Check beta("beta 0 does not read the output, any other does", [] {
  Dnn dnn;
  Tensor x(dnn, {1, 2, 3, 3}, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  Tensor y(dnn, x.dims, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  x.upload();
  expect_status(cudnnTransformTensor(dnn.handle, &kOne, x.tensor, x.data(), &kZero, y.tensor, y.data()),
                CUDNN_STATUS_SUCCESS, "beta 0");
  const DevicePointer fresh = dnn.allocate(y.bytes());
  expect_status(cudnnTransformTensor(dnn.handle, &kOne, x.tensor, x.data(), &kOne, y.tensor,
                                     reinterpret_cast<void*>(fresh)),
                CUDNN_STATUS_EXECUTION_FAILED, "beta 1");
});

const Check devices("memory of another device is refused", [] {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  DevicePointer elsewhere = 0;
  {
    void* popped = nullptr;
    Session other(1);
    elsewhere = other.allocate(conv.y.bytes());
    Session::must(cuCtxPopCurrent_v2(&popped), "pop");
    Call call(conv);
    call.y = reinterpret_cast<void*>(elsewhere);
    expect_status(call(dnn), CUDNN_STATUS_EXECUTION_FAILED, "memory of device 1");
    expect_contains(last_report(), "lie on device 1");
    Session::must(cuCtxPushCurrent_v2(popped), "push");
    expect_status(call(dnn), CUDNN_STATUS_BAD_PARAM, "a handle of another context");
  }
});

const Check streams("a stream of another context is refused", [] {
  Dnn dnn;
  void *stream = nullptr, *popped = nullptr, *found = &popped;
  {
    Session other(1);
    Session::must(cuStreamCreate(&stream, 0), "stream");
    Session::must(cuCtxPopCurrent_v2(&popped), "pop");
    expect_status(cudnnSetStream(dnn.handle, stream), CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "cudnnSetStream");
    Session::must(cuCtxPushCurrent_v2(popped), "push");
  }
  must_dnn(cudnnGetStream(dnn.handle, &found), "cudnnGetStream");
  expect(found == nullptr, "the stream is the default one still");
});

const Check failures("the planned call fails, the next one works", [] {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT);
  const Call call(conv);
  expect_equal(static_cast<uint64_t>(softgpu_fail("cudnn:2")), 0, "the plan");
  expect_status(call(dnn), CUDNN_STATUS_SUCCESS, "the first");
  expect_status(call(dnn), CUDNN_STATUS_EXECUTION_FAILED, "the second");
  expect_status(call(dnn), CUDNN_STATUS_SUCCESS, "the third");
  expect_equal(static_cast<uint64_t>(softgpu_fail("cudnn:")), 1, "a plan without a number");
  softgpu_fail("");
});

const Check search("the search ranks what fits the workspace and loses the output", [] {
  Dnn dnn;
  Convolution conv(dnn, kPlain, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT);
  const Scratch scratch(dnn, 1 << 12);
  cudnnConvolutionAlgoPerf_t found[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
  int count = 0;
  must_dnn(cudnnFindConvolutionForwardAlgorithmEx(dnn.handle, conv.x.tensor, conv.x.data(), conv.w.filter,
                                                  conv.w.data(), conv.descriptor, conv.y.tensor, conv.y.data(),
                                                  CUDNN_CONVOLUTION_FWD_ALGO_COUNT, &count, found, scratch.data(),
                                                  scratch.size),
           "search");
  float before = 0;
  bool usable = true;
  for (const auto& entry : found) {
    if (entry.status != CUDNN_STATUS_SUCCESS) usable = false;
    else expect(usable && entry.time >= before && entry.memory <= scratch.size, "the fastest that fit come first");
    before = entry.time;
  }
  expect(found[0].status == CUDNN_STATUS_SUCCESS && !usable, "some fit and some do not");
  expect_status(cudnnAddTensor(dnn.handle, &kOne, conv.y.tensor, conv.y.data(), &kZero, conv.y.tensor, conv.y.data()),
                CUDNN_STATUS_EXECUTION_FAILED, "the output is lost");
});

const Check no_context("a handle wants a current context", [] {
  Session::must(cuInit(0), "cuInit");
  cudnnHandle_t handle = nullptr;
  expect_status(cudnnCreate(&handle), CUDNN_STATUS_NOT_INITIALIZED, "cudnnCreate");
  expect_status(cudnnDestroy(nullptr), CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "cudnnDestroy");
  expect_equal(cudnnGetVersion(), 90501, "cudnnGetVersion");
  expect(std::string(cudnnGetErrorString(CUDNN_STATUS_NOT_SUPPORTED)) == "CUDNN_STATUS_NOT_SUPPORTED", "its name");
});

}  // namespace
