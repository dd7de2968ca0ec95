#include "nvrtc.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace softgpu_compiler {
namespace {

using Program = void*;

struct Nvrtc {
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*ptx_size)(Program, size_t*) = nullptr;
  int (*ptx)(Program, char*) = nullptr;
  int (*log_size)(Program, size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  int (*destroy)(Program*) = nullptr;
  bool found = false;

  Nvrtc() {
    const char* folder = std::getenv("WISP_NVRTC");
    const std::string prefix = folder && *folder ? std::string(folder) + "/" : "";
    /* The builtins are looked for by name when a program is compiled: open already, their folder
       need not be searched. */
    std::error_code unreadable;
    for (const auto& file : std::filesystem::directory_iterator(prefix, unreadable))
      if (file.path().filename().string().rfind("libnvrtc-builtins.so", 0) == 0)
        dlopen(file.path().c_str(), RTLD_NOW);
    void* library = dlopen((prefix + "libnvrtc.so.12").c_str(), RTLD_NOW);
    if (!library) return;
    auto bind = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    found = bind(create, "nvrtcCreateProgram") && bind(compile, "nvrtcCompileProgram") &&
            bind(ptx_size, "nvrtcGetPTXSize") && bind(ptx, "nvrtcGetPTX") &&
            bind(log_size, "nvrtcGetProgramLogSize") && bind(log, "nvrtcGetProgramLog") &&
            bind(destroy, "nvrtcDestroyProgram");
  }
};

const Nvrtc& nvrtc() {
  static const Nvrtc library;
  return library;
}

}  // namespace

bool has_nvrtc() { return nvrtc().found; }

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  if (!in) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(1);
  }
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string compile(const std::string& path, int architecture) {
  const Nvrtc& n = nvrtc();
  const std::string source = read_text(path);
  const std::string name = std::filesystem::path(path).filename().string();
  const std::string target = "--gpu-architecture=compute_" + std::to_string(architecture);
  const char* options[] = {target.c_str(), "--fmad=false", "-lineinfo", "--std=c++17"};
  Program program = nullptr;
  size_t size = 0;
  if (n.create(&program, source.c_str(), name.c_str(), 0, nullptr, nullptr) != 0 ||
      n.compile(program, 4, options) != 0) {
    n.log_size(program, &size);
    std::string words(size, ' ');
    n.log(program, &words[0]);
    std::fprintf(stderr, "compiling %s for %s: %s\n", path.c_str(), target.c_str(), words.c_str());
    std::exit(1);
  }
  n.ptx_size(program, &size);
  std::string text(size, ' ');
  n.ptx(program, &text[0]);
  n.destroy(&program);
  return text;
}

}  // namespace softgpu_compiler
