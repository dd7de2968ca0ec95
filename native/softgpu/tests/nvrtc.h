/* Compiling CUDA sources with NVRTC, where there is one. */
#ifndef SOFTGPU_TESTS_NVRTC_H
#define SOFTGPU_TESTS_NVRTC_H

#include <string>

namespace softgpu_tests {

/* Whether libnvrtc.so.12 was found, in the folder that WISP_NVRTC names or by the dynamic linker. */
bool has_nvrtc();

/* A file of tests/kernels as text. */
std::string kernel_source(const std::string& file);

/* PTX for compute_NN, as the engine compiles: --fmad=false -lineinfo. Ends the program with the
   compiler's words where it fails. */
std::string compile(const std::string& file, int architecture);

}  // namespace softgpu_tests

#endif
