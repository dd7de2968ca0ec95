extern "C" __global__ void wisp_test_broken(float* out) { out[0] = undefined_name; }
