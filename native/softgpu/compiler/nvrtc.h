/* Compiling CUDA sources with NVRTC, where there is one. */
#ifndef SOFTGPU_COMPILER_NVRTC_H
#define SOFTGPU_COMPILER_NVRTC_H

#include <string>

namespace softgpu_compiler {

/* Whether libnvrtc.so.12 was found, in the folder that WISP_NVRTC names or by the dynamic linker. */
bool has_nvrtc();

/* A file as text. Ends the program where it cannot be read. */
std::string read_text(const std::string& path);

/* PTX of a source file for compute_NN, as the engine compiles: --fmad=false -lineinfo. Ends the
   program with the compiler's words where it fails. */
std::string compile(const std::string& path, int architecture);

}  // namespace softgpu_compiler

#endif
