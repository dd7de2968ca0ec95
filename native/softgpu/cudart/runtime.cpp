/* libcudart.so.12: what Bytedeco's bindings want to find; the project's code calls the driver. */
#define CUDART_API extern "C" __attribute__((visibility("default")))

CUDART_API int cudaRuntimeGetVersion(int* version) {
  constexpr int kSuccess = 0, kInvalidValue = 1, kVersion = 12060;
  if (!version) return kInvalidValue;
  *version = kVersion;
  return kSuccess;
}
