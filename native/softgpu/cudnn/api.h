/*
 * The part of cuDNN 9's legacy API that the stand-in implements, declared here from the public
 * documentation: no NVIDIA header is needed. Names, numbers and layouts are cuDNN's.
 */
#ifndef SOFTGPU_CUDNN_API_H
#define SOFTGPU_CUDNN_API_H

#include <cstddef>

#define CUDNN_API extern "C" __attribute__((visibility("default")))

constexpr size_t kCudnnVersion = 90501, kCudartVersion = 12060;

enum cudnnStatus_t : int {
  CUDNN_STATUS_SUCCESS = 0,
  CUDNN_STATUS_NOT_INITIALIZED = 1001,
  CUDNN_STATUS_BAD_PARAM = 2000,
  CUDNN_STATUS_BAD_PARAM_NULL_POINTER = 2002,
  CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER = 2003,
  CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED = 2004,
  CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND = 2005,
  CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT = 2006,
  CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH = 2007,
  CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH = 2008,
  CUDNN_STATUS_NOT_SUPPORTED = 3000,
  CUDNN_STATUS_NOT_SUPPORTED_SHAPE = 3002,
  CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE = 3003,
  CUDNN_STATUS_NOT_SUPPORTED_LAYOUT = 3004,
  CUDNN_STATUS_INTERNAL_ERROR = 4000,
  CUDNN_STATUS_ALLOC_FAILED = 4003,
  CUDNN_STATUS_EXECUTION_FAILED = 5000,
  CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER = 5001,
};

enum cudnnDataType_t : int { CUDNN_DATA_FLOAT = 0, CUDNN_DATA_DOUBLE = 1, CUDNN_DATA_HALF = 2 };
enum cudnnTensorFormat_t : int { CUDNN_TENSOR_NCHW = 0, CUDNN_TENSOR_NHWC = 1, CUDNN_TENSOR_NCHW_VECT_C = 2 };
enum cudnnConvolutionMode_t : int { CUDNN_CONVOLUTION = 0, CUDNN_CROSS_CORRELATION = 1 };
enum cudnnMathType_t : int {
  CUDNN_DEFAULT_MATH = 0,
  CUDNN_TENSOR_OP_MATH = 1,
  CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION = 2,
  CUDNN_FMA_MATH = 3,
};
enum cudnnNanPropagation_t : int { CUDNN_NOT_PROPAGATE_NAN = 0, CUDNN_PROPAGATE_NAN = 1 };
enum cudnnDeterminism_t : int { CUDNN_NON_DETERMINISTIC = 0, CUDNN_DETERMINISTIC = 1 };
enum cudnnActivationMode_t : int {
  CUDNN_ACTIVATION_SIGMOID = 0,
  CUDNN_ACTIVATION_RELU = 1,
  CUDNN_ACTIVATION_TANH = 2,
  CUDNN_ACTIVATION_CLIPPED_RELU = 3,
  CUDNN_ACTIVATION_ELU = 4,
  CUDNN_ACTIVATION_IDENTITY = 5,
};

enum cudnnConvolutionFwdAlgo_t : int {
  CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM = 0,
  CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM = 1,
  CUDNN_CONVOLUTION_FWD_ALGO_GEMM = 2,
  CUDNN_CONVOLUTION_FWD_ALGO_DIRECT = 3,
  CUDNN_CONVOLUTION_FWD_ALGO_FFT = 4,
  CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING = 5,
  CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD = 6,
  CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED = 7,
  CUDNN_CONVOLUTION_FWD_ALGO_COUNT = 8,
};
enum cudnnConvolutionBwdDataAlgo_t : int {
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_0 = 0,
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_1 = 1,
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT = 2,
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING = 3,
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD = 4,
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED = 5,
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT = 6,
};
enum cudnnConvolutionBwdFilterAlgo_t : int {
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 = 0,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 = 1,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT = 2,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3 = 3,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD = 4,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED = 5,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING = 6,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT = 7,
};

/* cudnnConvolution{Fwd,BwdData,BwdFilter}AlgoPerf_t: three types of one layout, but for the
   enumeration of `algo`. */
struct cudnnConvolutionAlgoPerf_t {
  int algo;
  cudnnStatus_t status;
  float time; /* milliseconds; -1 where the algorithm cannot be used */
  size_t memory;
  cudnnDeterminism_t determinism;
  cudnnMathType_t mathType;
  int reserved[3];
};

using cudnnHandle_t = struct cudnnContext*;
using cudnnTensorDescriptor_t = struct cudnnTensorStruct*;
using cudnnFilterDescriptor_t = struct cudnnFilterStruct*;
using cudnnConvolutionDescriptor_t = struct cudnnConvolutionStruct*;
using cudnnActivationDescriptor_t = struct cudnnActivationStruct*;
using cudaStream_t = void*;

CUDNN_API size_t cudnnGetVersion();
CUDNN_API size_t cudnnGetCudartVersion();
CUDNN_API const char* cudnnGetErrorString(cudnnStatus_t);
CUDNN_API void cudnnGetLastErrorString(char* message, size_t max_size);
CUDNN_API cudnnStatus_t cudnnCreate(cudnnHandle_t*);
CUDNN_API cudnnStatus_t cudnnDestroy(cudnnHandle_t);
CUDNN_API cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t);
CUDNN_API cudnnStatus_t cudnnGetStream(cudnnHandle_t, cudaStream_t*);

CUDNN_API cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t*);
CUDNN_API cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t);
CUDNN_API cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t, cudnnTensorFormat_t, cudnnDataType_t,
                                                   int n, int c, int h, int w);
CUDNN_API cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t, cudnnDataType_t, int n, int c, int h,
                                                     int w, int n_stride, int c_stride, int h_stride, int w_stride);
CUDNN_API cudnnStatus_t cudnnGetTensor4dDescriptor(cudnnTensorDescriptor_t, cudnnDataType_t*, int* n, int* c, int* h,
                                                   int* w, int* n_stride, int* c_stride, int* h_stride,
                                                   int* w_stride);
CUDNN_API cudnnStatus_t cudnnGetTensorSizeInBytes(cudnnTensorDescriptor_t, size_t*);
CUDNN_API cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t*);
CUDNN_API cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t);
CUDNN_API cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t, cudnnDataType_t, cudnnTensorFormat_t,
                                                   int k, int c, int h, int w);
CUDNN_API cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t*);
CUDNN_API cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t);
CUDNN_API cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t, int pad_h, int pad_w,
                                                        int stride_h, int stride_w, int dilation_h, int dilation_w,
                                                        cudnnConvolutionMode_t, cudnnDataType_t compute);
CUDNN_API cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t, cudnnMathType_t);
CUDNN_API cudnnStatus_t cudnnGetConvolutionMathType(cudnnConvolutionDescriptor_t, cudnnMathType_t*);
CUDNN_API cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t, int);
CUDNN_API cudnnStatus_t cudnnGetConvolutionGroupCount(cudnnConvolutionDescriptor_t, int*);
CUDNN_API cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t*);
CUDNN_API cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t);
CUDNN_API cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t, cudnnActivationMode_t,
                                                     cudnnNanPropagation_t, double coef);
CUDNN_API cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t x,
                                                              cudnnFilterDescriptor_t w, int* n, int* c, int* h,
                                                              int* width);

CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                                cudnnFilterDescriptor_t w,
                                                                cudnnConvolutionDescriptor_t,
                                                                cudnnTensorDescriptor_t y, cudnnConvolutionFwdAlgo_t,
                                                                size_t*);
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t, cudnnFilterDescriptor_t w,
                                                                     cudnnTensorDescriptor_t dy,
                                                                     cudnnConvolutionDescriptor_t,
                                                                     cudnnTensorDescriptor_t dx,
                                                                     cudnnConvolutionBwdDataAlgo_t, size_t*);
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                                       cudnnTensorDescriptor_t dy,
                                                                       cudnnConvolutionDescriptor_t,
                                                                       cudnnFilterDescriptor_t dw,
                                                                       cudnnConvolutionBwdFilterAlgo_t, size_t*);
CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardAlgorithmMaxCount(cudnnHandle_t, int*);
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithmMaxCount(cudnnHandle_t, int*);
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithmMaxCount(cudnnHandle_t, int*);
CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                               cudnnFilterDescriptor_t w,
                                                               cudnnConvolutionDescriptor_t,
                                                               cudnnTensorDescriptor_t y, int requested,
                                                               int* returned, cudnnConvolutionAlgoPerf_t*);
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, cudnnFilterDescriptor_t w,
                                                                    cudnnTensorDescriptor_t dy,
                                                                    cudnnConvolutionDescriptor_t,
                                                                    cudnnTensorDescriptor_t dx, int requested,
                                                                    int* returned, cudnnConvolutionAlgoPerf_t*);
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                                      cudnnTensorDescriptor_t dy,
                                                                      cudnnConvolutionDescriptor_t,
                                                                      cudnnFilterDescriptor_t dw, int requested,
                                                                      int* returned, cudnnConvolutionAlgoPerf_t*);
CUDNN_API cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(
    cudnnHandle_t, cudnnTensorDescriptor_t, const void* x, cudnnFilterDescriptor_t, const void* w,
    cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t, void* y, int requested, int* returned,
    cudnnConvolutionAlgoPerf_t*, void* workspace, size_t workspace_bytes);
CUDNN_API cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(
    cudnnHandle_t, cudnnFilterDescriptor_t, const void* w, cudnnTensorDescriptor_t, const void* dy,
    cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t, void* dx, int requested, int* returned,
    cudnnConvolutionAlgoPerf_t*, void* workspace, size_t workspace_bytes);
CUDNN_API cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(
    cudnnHandle_t, cudnnTensorDescriptor_t, const void* x, cudnnTensorDescriptor_t, const void* dy,
    cudnnConvolutionDescriptor_t, cudnnFilterDescriptor_t, void* dw, int requested, int* returned,
    cudnnConvolutionAlgoPerf_t*, void* workspace, size_t workspace_bytes);

CUDNN_API cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t, const void* alpha, cudnnTensorDescriptor_t,
                                                const void* x, cudnnFilterDescriptor_t, const void* w,
                                                cudnnConvolutionDescriptor_t, cudnnConvolutionFwdAlgo_t,
                                                void* workspace, size_t workspace_bytes, const void* beta,
                                                cudnnTensorDescriptor_t, void* y);
CUDNN_API cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t, const void* alpha1, cudnnTensorDescriptor_t, const void* x, cudnnFilterDescriptor_t, const void* w,
    cudnnConvolutionDescriptor_t, cudnnConvolutionFwdAlgo_t, void* workspace, size_t workspace_bytes,
    const void* alpha2, cudnnTensorDescriptor_t, const void* z, cudnnTensorDescriptor_t, const void* bias,
    cudnnActivationDescriptor_t, cudnnTensorDescriptor_t, void* y);
CUDNN_API cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t, const void* alpha, cudnnFilterDescriptor_t,
                                                     const void* w, cudnnTensorDescriptor_t, const void* dy,
                                                     cudnnConvolutionDescriptor_t, cudnnConvolutionBwdDataAlgo_t,
                                                     void* workspace, size_t workspace_bytes, const void* beta,
                                                     cudnnTensorDescriptor_t, void* dx);
CUDNN_API cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t, const void* alpha, cudnnTensorDescriptor_t,
                                                       const void* x, cudnnTensorDescriptor_t, const void* dy,
                                                       cudnnConvolutionDescriptor_t, cudnnConvolutionBwdFilterAlgo_t,
                                                       void* workspace, size_t workspace_bytes, const void* beta,
                                                       cudnnFilterDescriptor_t, void* dw);
CUDNN_API cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t, const void* alpha, cudnnTensorDescriptor_t,
                                                     const void* dy, const void* beta, cudnnTensorDescriptor_t,
                                                     void* db);
CUDNN_API cudnnStatus_t cudnnAddTensor(cudnnHandle_t, const void* alpha, cudnnTensorDescriptor_t, const void* a,
                                       const void* beta, cudnnTensorDescriptor_t, void* c);
CUDNN_API cudnnStatus_t cudnnTransformTensor(cudnnHandle_t, const void* alpha, cudnnTensorDescriptor_t, const void* x,
                                             const void* beta, cudnnTensorDescriptor_t, void* y);
CUDNN_API cudnnStatus_t cudnnActivationForward(cudnnHandle_t, cudnnActivationDescriptor_t, const void* alpha,
                                               cudnnTensorDescriptor_t, const void* x, const void* beta,
                                               cudnnTensorDescriptor_t, void* y);

#endif
