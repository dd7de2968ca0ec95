/* Descriptors: what they hold and what they refuse. */
#include <limits>
#include <memory>

#include "objects.h"

using namespace softcudnn;

namespace {

template <class T>
cudnnStatus_t create(const char* function, T** descriptor, Kind kind) {
  return enter(function, [&] {
    auto created = std::make_unique<T>();
    out(descriptor, "the descriptor") = created.get();
    add(created.release(), kind);
  });
}

template <class T>
cudnnStatus_t destroy(const char* function, T* descriptor, Kind kind) {
  return enter(function, [&] {
    remove(descriptor, kind);
    delete descriptor;
  });
}

void check_type(cudnnDataType_t type) {
  require(type >= 0 && type <= 14, "no data type: " + std::to_string(type));
  require(type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_HALF, "data types other than float and half",
          CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
}

cudnnTensorStruct packed(cudnnTensorFormat_t format, cudnnDataType_t type, std::array<int, 4> dims) {
  check_type(type);
  require(format >= CUDNN_TENSOR_NCHW && format <= CUDNN_TENSOR_NCHW_VECT_C, "no tensor format");
  require(format != CUDNN_TENSOR_NCHW_VECT_C, "NCHW_VECT_C holds int8 only");
  int64_t count = 1;
  for (const int d : dims) {
    require(d > 0, "a dimension is not positive");
    count *= d;
    require(count <= std::numeric_limits<int>::max(), "more than 2^31 - 1 elements", CUDNN_STATUS_NOT_SUPPORTED);
  }
  const auto [n, c, h, w] = dims;
  cudnnTensorStruct t;
  t.set = true;
  t.type = type;
  t.dims = dims;
  t.strides = format == CUDNN_TENSOR_NCHW ? std::array<int, 4>{c * h * w, h * w, w, 1}
                                          : std::array<int, 4>{h * w * c, 1, w * c, c};
  return t;
}

}  // namespace

CUDNN_API cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* d) {
  return create("cudnnCreateTensorDescriptor", d, Kind::tensor);
}
CUDNN_API cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t d) {
  return destroy("cudnnDestroyTensorDescriptor", d, Kind::tensor);
}

CUDNN_API cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t d, cudnnTensorFormat_t format,
                                                   cudnnDataType_t type, int n, int c, int h, int w) {
  return enter("cudnnSetTensor4dDescriptor", [&] {
    expect(d, Kind::tensor, "tensorDesc");
    *d = packed(format, type, {n, c, h, w});
  });
}

CUDNN_API cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t d, cudnnDataType_t type, int n, int c,
                                                     int h, int w, int n_stride, int c_stride, int h_stride,
                                                     int w_stride) {
  return enter("cudnnSetTensor4dDescriptorEx", [&] {
    expect(d, Kind::tensor, "tensorDesc");
    cudnnTensorStruct t = packed(CUDNN_TENSOR_NCHW, type, {n, c, h, w});
    t.strides = {n_stride, c_stride, h_stride, w_stride};
    int64_t last = 0;
    for (size_t i = 0; i < 4; ++i) {
      require(t.strides[i] > 0, "a stride is not positive");
      last += int64_t{t.dims[i] - 1} * t.strides[i];
    }
    require(last < std::numeric_limits<int>::max(), "more than 2^31 - 1 elements", CUDNN_STATUS_NOT_SUPPORTED);
    *d = t;
  });
}

CUDNN_API cudnnStatus_t cudnnGetTensor4dDescriptor(cudnnTensorDescriptor_t d, cudnnDataType_t* type, int* n, int* c,
                                                   int* h, int* w, int* n_stride, int* c_stride, int* h_stride,
                                                   int* w_stride) {
  return enter("cudnnGetTensor4dDescriptor", [&] {
    const cudnnTensorStruct& t = tensor(d, "tensorDesc");
    out(type, "dataType") = t.type;
    int* const dims[] = {n, c, h, w};
    int* const strides[] = {n_stride, c_stride, h_stride, w_stride};
    for (size_t i = 0; i < 4; ++i) {
      out(dims[i], "a dimension") = t.dims[i];
      out(strides[i], "a stride") = t.strides[i];
    }
  });
}

CUDNN_API cudnnStatus_t cudnnGetTensorSizeInBytes(cudnnTensorDescriptor_t d, size_t* bytes) {
  return enter("cudnnGetTensorSizeInBytes", [&] {
    const cudnnTensorStruct& t = tensor(d, "tensorDesc");
    size_t last = 0;
    for (size_t i = 0; i < 4; ++i) last += static_cast<size_t>(t.dims[i] - 1) * static_cast<size_t>(t.strides[i]);
    out(bytes, "size") = (last + 1) * (t.type == CUDNN_DATA_HALF ? 2 : 4);
  });
}

CUDNN_API cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* d) {
  return create("cudnnCreateFilterDescriptor", d, Kind::filter);
}
CUDNN_API cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t d) {
  return destroy("cudnnDestroyFilterDescriptor", d, Kind::filter);
}

CUDNN_API cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t d, cudnnDataType_t type,
                                                   cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return enter("cudnnSetFilter4dDescriptor", [&] {
    expect(d, Kind::filter, "filterDesc");
    d->tensor = packed(format, type, {k, c, h, w});
    d->format = format;
    d->set = true;
  });
}

CUDNN_API cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* d) {
  return create("cudnnCreateConvolutionDescriptor", d, Kind::convolution);
}
CUDNN_API cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t d) {
  return destroy("cudnnDestroyConvolutionDescriptor", d, Kind::convolution);
}

CUDNN_API cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t d, int pad_h, int pad_w,
                                                        int stride_h, int stride_w, int dilation_h, int dilation_w,
                                                        cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
  return enter("cudnnSetConvolution2dDescriptor", [&] {
    expect(d, Kind::convolution, "convDesc");
    require(pad_h >= 0 && pad_w >= 0, "negative padding");
    require(stride_h > 0 && stride_w > 0, "a stride is not positive");
    require(dilation_h > 0 && dilation_w > 0, "a dilation is not positive");
    require(mode == CUDNN_CONVOLUTION || mode == CUDNN_CROSS_CORRELATION, "no convolution mode");
    check_type(compute);
    d->pad = {pad_h, pad_w};
    d->stride = {stride_h, stride_w};
    d->dilation = {dilation_h, dilation_w};
    d->mode = mode;
    d->compute = compute;
    d->set = true;
  });
}

CUDNN_API cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t d, cudnnMathType_t math) {
  return enter("cudnnSetConvolutionMathType", [&] {
    expect(d, Kind::convolution, "convDesc");
    require(math >= CUDNN_DEFAULT_MATH && math <= CUDNN_FMA_MATH, "no math type");
    d->math = math;
  });
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionMathType(cudnnConvolutionDescriptor_t d, cudnnMathType_t* math) {
  return enter("cudnnGetConvolutionMathType", [&] {
    expect(d, Kind::convolution, "convDesc");
    out(math, "mathType") = d->math;
  });
}

CUDNN_API cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t d, int groups) {
  return enter("cudnnSetConvolutionGroupCount", [&] {
    expect(d, Kind::convolution, "convDesc");
    require(groups > 0, "the group count is not positive");
    d->groups = groups;
  });
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionGroupCount(cudnnConvolutionDescriptor_t d, int* groups) {
  return enter("cudnnGetConvolutionGroupCount", [&] {
    expect(d, Kind::convolution, "convDesc");
    out(groups, "groupCount") = d->groups;
  });
}

CUDNN_API cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t* d) {
  return create("cudnnCreateActivationDescriptor", d, Kind::activation);
}
CUDNN_API cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t d) {
  return destroy("cudnnDestroyActivationDescriptor", d, Kind::activation);
}

CUDNN_API cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t d, cudnnActivationMode_t mode,
                                                     cudnnNanPropagation_t nan, double coef) {
  return enter("cudnnSetActivationDescriptor", [&] {
    expect(d, Kind::activation, "activationDesc");
    require(mode >= CUDNN_ACTIVATION_SIGMOID && mode <= 6, "no activation mode");
    require(nan == CUDNN_NOT_PROPAGATE_NAN || nan == CUDNN_PROPAGATE_NAN, "no NaN propagation");
    require(coef == coef, "the coefficient is no number");
    *d = {true, mode, nan, coef};
  });
}
