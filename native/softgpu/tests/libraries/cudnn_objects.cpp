#include "cudnn_objects.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace softgpu_tests {

void must_dnn(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::printf("FAIL %s: %s: %s\n%s\n", what, cudnnGetErrorString(status), last_dnn_error().c_str(),
              last_report().c_str());
  std::exit(1);
}

std::string last_dnn_error() {
  char text[512];
  cudnnGetLastErrorString(text, sizeof text);
  return text;
}

void expect_status(cudnnStatus_t found, cudnnStatus_t wanted, const std::string& what) {
  if (found == wanted) return;
  expect(false, what + ": " + cudnnGetErrorString(found) + " (" + last_dnn_error() + "), wanted " +
                    cudnnGetErrorString(wanted));
}

Dnn::Dnn(int device) : Session(device) { must_dnn(cudnnCreate(&handle), "cudnnCreate"); }
Dnn::~Dnn() { must_dnn(cudnnDestroy(handle), "cudnnDestroy"); }

Tensor::Tensor(Session& session, std::array<int, 4> d, cudnnTensorFormat_t f, cudnnDataType_t t, size_t offset)
    : dims(d),
      format(f),
      type(t),
      values(static_cast<size_t>(d[0] * d[1] * d[2] * d[3])),
      address(session.allocate(values.size() * (t == CUDNN_DATA_HALF ? 2 : 4) + offset) + offset),
      session_(session) {
  must_dnn(cudnnCreateTensorDescriptor(&tensor), "tensor descriptor");
  must_dnn(cudnnSetTensor4dDescriptor(tensor, format, type, d[0], d[1], d[2], d[3]), "tensor descriptor");
  must_dnn(cudnnCreateFilterDescriptor(&filter), "filter descriptor");
  must_dnn(cudnnSetFilter4dDescriptor(filter, type, format, d[0], d[1], d[2], d[3]), "filter descriptor");
}

Tensor::~Tensor() {
  must_dnn(cudnnDestroyTensorDescriptor(tensor), "tensor descriptor");
  must_dnn(cudnnDestroyFilterDescriptor(filter), "filter descriptor");
}

size_t Tensor::index(int n, int c, int h, int w) const {
  return static_cast<size_t>(((n * dims[1] + c) * dims[2] + h) * dims[3] + w);
}

size_t Tensor::place(size_t i) const {
  if (format == CUDNN_TENSOR_NCHW) return i;
  const auto c = static_cast<size_t>(dims[1]), area = static_cast<size_t>(dims[2] * dims[3]);
  return (i / area / c * area + i % area) * c + i / area % c;
}

void Tensor::randomise(Random& random) {
  for (double& v : values) v = rounded(random.uniform(-2, 2), type);
}

void Tensor::upload() {
  if (type == CUDNN_DATA_HALF) {
    std::vector<_Float16> raw(values.size());
    for (size_t i = 0; i < values.size(); ++i) raw[place(i)] = static_cast<_Float16>(values[i]);
    Session::must(cuMemcpyHtoD_v2(address, raw.data(), bytes()), "upload");
  } else {
    std::vector<float> raw(values.size());
    for (size_t i = 0; i < values.size(); ++i) raw[place(i)] = static_cast<float>(values[i]);
    Session::must(cuMemcpyHtoD_v2(address, raw.data(), bytes()), "upload");
  }
}

std::vector<double> Tensor::download() const {
  std::vector<double> out(values.size());
  if (type == CUDNN_DATA_HALF) {
    const auto raw = session_.download<_Float16>(address, values.size());
    for (size_t i = 0; i < values.size(); ++i) out[i] = static_cast<double>(raw[place(i)]);
  } else {
    const auto raw = session_.download<float>(address, values.size());
    for (size_t i = 0; i < values.size(); ++i) out[i] = raw[place(i)];
  }
  return out;
}

double rounded(double value, cudnnDataType_t type) {
  if (type == CUDNN_DATA_HALF) return static_cast<double>(static_cast<_Float16>(value));
  return static_cast<float>(value);
}

void expect_close(const std::vector<double>& found, const std::vector<double>& wanted, cudnnDataType_t type,
                  const std::string& what) {
  const double step = type == CUDNN_DATA_HALF ? 0x1p-10 : 0x1p-23, least = type == CUDNN_DATA_HALF ? 0x1p-24 : 0x1p-149;
  size_t bad = 0, first = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    /* Sums that cancel keep an error of the size of double's. */
    const double allowed = std::fmax(std::fabs(wanted[i]) * step, least) + 1e-13;
    if (!(std::fabs(found[i] - wanted[i]) <= allowed) && bad++ == 0) first = i;
  }
  expect(found.size() == wanted.size() && bad == 0,
         what + ": " + std::to_string(bad) + " of " + std::to_string(wanted.size()) + " values, first #" +
             std::to_string(first) + ": " + std::to_string(found[first]) + ", wanted " + std::to_string(wanted[first]));
}

void expect_same(const std::vector<double>& found, const std::vector<double>& wanted, const std::string& what) {
  expect(found.size() == wanted.size() &&
             std::memcmp(found.data(), wanted.data(), found.size() * sizeof(double)) == 0,
         what);
}

namespace {

std::array<int, 2> output_of(const Case& c) {
  return {(c.x[2] + 2 * c.pad_h - (c.r - 1) * c.dilation_h - 1) / c.stride_h + 1,
          (c.x[3] + 2 * c.pad_w - (c.s - 1) * c.dilation_w - 1) / c.stride_w + 1};
}

}  // namespace

Convolution::Convolution(Session& session, const Case& c, cudnnTensorFormat_t format, cudnnDataType_t type)
    : out(output_of(c)),
      x(session, c.x, format, type),
      w(session, {c.k, c.x[1] / c.groups, c.r, c.s}, format, type),
      y(session, {c.x[0], c.k, out[0], out[1]}, format, type),
      case_(c) {
  must_dnn(cudnnCreateConvolutionDescriptor(&descriptor), "convolution descriptor");
  must_dnn(cudnnSetConvolution2dDescriptor(descriptor, c.pad_h, c.pad_w, c.stride_h, c.stride_w, c.dilation_h,
                                           c.dilation_w, c.mode, CUDNN_DATA_FLOAT),
           "convolution descriptor");
  must_dnn(cudnnSetConvolutionGroupCount(descriptor, c.groups), "groups");
  Random random{static_cast<uint64_t>(c.x[1] * 131 + c.k)};
  for (Tensor* t : {&x, &w, &y}) {
    t->randomise(random);
    t->upload();
  }
  define();
}

Convolution::~Convolution() { must_dnn(cudnnDestroyConvolutionDescriptor(descriptor), "convolution descriptor"); }

void Convolution::define() {
  const Case& c = case_;
  sum_y.assign(y.size(), 0);
  sum_dx.assign(x.size(), 0);
  sum_dw.assign(w.size(), 0);
  const int group_c = c.x[1] / c.groups, group_k = c.k / c.groups;
  for (int n = 0; n < c.x[0]; ++n)
    for (int k = 0; k < c.k; ++k)
      for (int p = 0; p < out[0]; ++p)
        for (int q = 0; q < out[1]; ++q)
          for (int ch = 0; ch < group_c; ++ch)
            for (int r = 0; r < c.r; ++r)
              for (int s = 0; s < c.s; ++s) {
                const int h = p * c.stride_h - c.pad_h + r * c.dilation_h;
                const int v = q * c.stride_w - c.pad_w + s * c.dilation_w;
                if (h < 0 || v < 0 || h >= c.x[2] || v >= c.x[3]) continue;
                const bool turned = c.mode == CUDNN_CONVOLUTION;
                const size_t at_x = x.index(n, k / group_k * group_c + ch, h, v), at_y = y.index(n, k, p, q),
                             at_w = w.index(k, ch, turned ? c.r - 1 - r : r, turned ? c.s - 1 - s : s);
                sum_y[at_y] += x.values[at_x] * w.values[at_w];
                sum_dx[at_x] += y.values[at_y] * w.values[at_w];
                sum_dw[at_w] += y.values[at_y] * x.values[at_x];
              }
}

}  // namespace softgpu_tests
