// Kernels with one bug each. The line of the access that must be reported ends with "CAUGHT".

extern "C" __global__ void guard(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i > n) return;
  y[i] = x[i] * 2;  // CAUGHT
}

extern "C" __global__ void no_barrier(const float* x, float* y) {
  __shared__ float tile[256];
  tile[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = tile[255 - threadIdx.x];  // CAUGHT
}

extern "C" __global__ void past_tile(const float* x, float* y) {
  __shared__ float tile[256];
  __shared__ float next[256];
  tile[threadIdx.x] = x[threadIdx.x];
  next[threadIdx.x] = x[threadIdx.x] + 1;
  __syncthreads();
  y[threadIdx.x] = next[threadIdx.x] + tile[threadIdx.x + 1];  // CAUGHT
}

extern "C" __global__ void unwritten(const float* x, float* y) {
  __shared__ float tile[256];
  if (threadIdx.x < 255) tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x ^ 1];  // CAUGHT
}

extern "C" __global__ void some_wait(const float* x, float* y, int n) {
  __shared__ float tile[256];
  tile[threadIdx.x] = x[threadIdx.x];
  if (threadIdx.x < n) {
    __syncthreads();  // CAUGHT
  }
  y[threadIdx.x] = tile[threadIdx.x];
}
