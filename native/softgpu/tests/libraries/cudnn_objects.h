/* Handles, descriptors and tensors of the tests of the cuDNN stand-in. */
#ifndef SOFTGPU_TESTS_CUDNN_OBJECTS_H
#define SOFTGPU_TESTS_CUDNN_OBJECTS_H

#include <array>
#include <memory>

#include "../harness.h"
#include "cudnn/api.h"

namespace softgpu_tests {

/* Ends the program where a call fails that a test needs. */
void must_dnn(cudnnStatus_t status, const char* what);
void expect_status(cudnnStatus_t found, cudnnStatus_t wanted, const std::string& what);
std::string last_dnn_error();

/* A context with a handle. */
struct Dnn : Session {
  explicit Dnn(int device = 0);
  ~Dnn();
  cudnnHandle_t handle = nullptr;
};

/* A tensor (n, c, h, w) or filter (k, c, h, w) on the device, whose values the host keeps in that
   order: numbers of the type, so that nothing is lost on the way. */
class Tensor {
 public:
  Tensor(Session& session, std::array<int, 4> dims, cudnnTensorFormat_t format, cudnnDataType_t type,
         size_t offset_bytes = 0);
  ~Tensor();
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;

  void randomise(Random& random);
  void upload();                 /* values -> device */
  std::vector<double> download() const;
  size_t size() const { return values.size(); }
  double& at(int n, int c, int h, int w) { return values[index(n, c, h, w)]; }
  size_t index(int n, int c, int h, int w) const;
  void* data() const { return reinterpret_cast<void*>(address); }
  size_t bytes() const { return values.size() * (type == CUDNN_DATA_HALF ? 2 : 4); }

  const std::array<int, 4> dims;
  const cudnnTensorFormat_t format;
  const cudnnDataType_t type;
  std::vector<double> values;
  DevicePointer address;
  cudnnTensorDescriptor_t tensor = nullptr;
  cudnnFilterDescriptor_t filter = nullptr;

 private:
  size_t place(size_t index) const; /* in memory, in elements */
  Session& session_;
};

/* Nearest number of the type. */
double rounded(double value, cudnnDataType_t type);
/* Every value is the wanted one rounded, or its neighbour. */
void expect_close(const std::vector<double>& found, const std::vector<double>& wanted, cudnnDataType_t type,
                  const std::string& what);
void expect_same(const std::vector<double>& found, const std::vector<double>& wanted, const std::string& what);

/* A convolution with its three operands and their gradients, and the sums by the definition: each
   product is added where it belongs. */
struct Case {
  std::array<int, 4> x;          /* n, c, h, w */
  int k, r, s;
  int pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w;
  int groups = 1;
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
};

struct Convolution {
  Convolution(Session& session, const Case& what, cudnnTensorFormat_t format, cudnnDataType_t type);
  ~Convolution();
  void define(); /* fills y, dx, dw below from x, w, dy */

  std::array<int, 2> out; /* rows, columns */
  Tensor x, w, y;
  std::vector<double> sum_y, sum_dx, sum_dw; /* n c h w; dx and dw with y as their gradient */
  cudnnConvolutionDescriptor_t descriptor = nullptr;

 private:
  Case case_;
};

/* A workspace of a size. */
struct Scratch {
  Scratch(Session& session, size_t bytes) : size(bytes), pointer(bytes ? session.allocate(bytes) : 0) {}
  size_t size;
  DevicePointer pointer;
  void* data() const { return reinterpret_cast<void*>(pointer); }
};

}  // namespace softgpu_tests

#endif
