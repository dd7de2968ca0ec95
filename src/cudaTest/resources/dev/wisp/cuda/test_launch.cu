// Kernels for the tests of launches. Grids are one-dimensional.

// out[i] = x[i] * factor + offset + rows, for i < n. One thread an element.
extern "C" __global__ void wisp_test_affine(const float* x, float* out, long long n, int rows,
                                            float factor, double offset) {
  long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i] = (float)(x[i] * factor + offset + rows);
}

// The same without its guard: threads past n read and write past the end.
extern "C" __global__ void wisp_test_unguarded(const float* x, float* out) {
  long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  out[i] = x[i];
}

// out[i] = the block's reversed input, through dynamic shared memory; one block.
extern "C" __global__ void wisp_test_reverse(const float* x, float* out, int n) {
  extern __shared__ float tile[];
  for (int i = threadIdx.x; i < n; i += blockDim.x) tile[i] = x[i];
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) out[i] = tile[n - 1 - i];
}

// out[row] = 1000 * image + 10 * id + rows of that image, for every row of a class table.
extern "C" __global__ void wisp_test_rows(const int* offsets, const int* ids, const int* images,
                                          int* out, int rows) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  int image = images[row];
  out[row] = 1000 * image + 10 * ids[row] + offsets[image + 1] - offsets[image];
}

// Defined with other types than its plain text says.
#if 0
extern "C" __global__ void wisp_test_hidden(float* out, long long n, int flag) {}
#endif
#define HIDDEN wisp_test_hidden
extern "C" __global__ void HIDDEN(float* out, int n, int flag) {
  if (threadIdx.x < n) out[threadIdx.x] = flag;
}

// With one parameter more than its plain text says.
#if 0
extern "C" __global__ void wisp_test_longer(float* out) {}
#endif
#define LONGER wisp_test_longer
extern "C" __global__ void LONGER(float* out, int n) { out[0] = n; }
