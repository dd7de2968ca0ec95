/*
 * Compiles CUDA files, each alone, as the engine does: softgpu_compile ARCHITECTURE FOLDER FILE.cu...
 * writes FOLDER/NAME.ptx for compute_ARCHITECTURE. NVRTC is found as nvrtc.h says.
 */
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "nvrtc.h"

int main(int count, char** arguments) {
  const int architecture = count > 3 ? std::atoi(arguments[1]) : 0;
  if (architecture <= 0) {
    std::fprintf(stderr, "usage: %s ARCHITECTURE FOLDER FILE.cu...\n", arguments[0]);
    return 2;
  }
  if (!softgpu_compiler::has_nvrtc()) {
    std::fprintf(stderr, "no libnvrtc.so.12: WISP_NVRTC names its folder\n");
    return 2;
  }
  for (int i = 3; i < count; ++i) {
    const std::filesystem::path source = arguments[i];
    const std::filesystem::path target =
        std::filesystem::path(arguments[2]) / source.filename().replace_extension(".ptx");
    /* NVRTC's text ends with a zero. */
    std::ofstream out(target);
    out << softgpu_compiler::compile(source, architecture).c_str();
    if (!out.flush()) {
      std::fprintf(stderr, "cannot write %s\n", target.c_str());
      return 1;
    }
  }
  return 0;
}
