/* One convolution: what its descriptors say together, and which algorithms there are for it. */
#ifndef SOFTGPU_CUDNN_PROBLEM_H
#define SOFTGPU_CUDNN_PROBLEM_H

#include "products.h"

namespace softcudnn {

enum class Direction { forward, backward_data, backward_filter };

/* x and y are the forward convolution's input and output, or their gradients. */
struct Problem {
  Geometry geometry;
  cudnnTensorStruct x, y;
  cudnnFilterStruct w;
};

/* Refuses descriptors that do not fit together and types that are not supported. */
Problem problem_of(cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t convolution,
                   cudnnTensorDescriptor_t y);

/* Rows and columns of the output. */
std::array<int, 2> output_size(const cudnnTensorStruct& x, const cudnnTensorStruct& w,
                               const cudnnConvolutionStruct& convolution);

/* Number of algorithms of a direction, counting those that are never supported. */
int algorithms(Direction direction);
/* Refuses an algorithm that cannot compute the problem. */
void require_algorithm(Direction direction, int algorithm, const Problem& problem);
size_t workspace_bytes(Direction direction, int algorithm, const Problem& problem);
bool is_deterministic(Direction direction, int algorithm);
/* What the search gives: the algorithms with the time they are said to take, fastest first, then
   those that cannot be used or that need more than `limit` bytes. */
std::vector<cudnnConvolutionAlgoPerf_t> ranking(Direction direction, const Problem& problem, size_t limit);

}  // namespace softcudnn

#endif
