/* From a parsed module to a program on a device. */
#ifndef SOFTGPU_PROGRAM_BUILD_H
#define SOFTGPU_PROGRAM_BUILD_H

#include "device/memory.h"
#include "program/program.h"

namespace softgpu {

/* Places the module's variables in the memory and decodes its functions. Throws PtxError; what was
   allocated until then is in `placed` and belongs to the caller. */
std::unique_ptr<Program> build(const ptx::Module& module, DeviceMemory& memory,
                               std::vector<Allocation*>& placed);

/* Decodes one function's body. `shared`: offsets of the module's shared variables. */
void build_function(Program& program, const ptx::Module& module, const ptx::Function& source,
                    const std::unordered_map<std::string, uint64_t>& shared,
                    std::vector<uint64_t> offsets, Function& out);

}  // namespace softgpu

#endif
