#include "program/build.h"

#include <algorithm>
#include <cstring>

#include "exec/access.h"

namespace softgpu {
namespace {

constexpr uint64_t kGap = 256; /* untouchable bytes between variables of shared and local memory */

uint64_t up(uint64_t value, uint64_t align) { return align ? (value + align - 1) / align * align : value; }

class Builder {
 public:
  Builder(const ptx::Module& module, DeviceMemory& memory, std::vector<Allocation*>& placed)
      : module_(module), memory_(memory), placed_(placed), program_(std::make_unique<Program>()) {}

  std::unique_ptr<Program> run() {
    program_->target = module_.target;
    program_->version = module_.version;
    program_->locations = module_.locations;
    program_->files = module_.files;
    for (const ptx::Variable& v : module_.variables) place(v);
    for (const ptx::Variable& v : module_.variables) initialise(v);
    for (const ptx::Function& f : module_.functions) {
      auto& slot = program_->functions[f.name];
      if (!slot) slot = std::make_unique<Function>();
      if (f.defined) declare(f, *slot);
    }
    const uint64_t dynamic = up(kernel_end_ + kGap, kGap);
    for (auto& [name, offset] : shared_)
      if (unsized_.count(name)) offset = dynamic;
    for (const ptx::Function& f : module_.functions)
      if (f.defined) build_function(*program_, module_, f, shared_, offsets_[f.name], *program_->functions[f.name]);
    finish(dynamic);
    return std::move(program_);
  }

 private:
  void place(const ptx::Variable& v) {
    if (v.space == ptx::Space::shared) {
      if (v.bytes == 0) {
        unsized_[v.name] = true;
        shared_[v.name] = 0;
        return;
      }
      const uint64_t offset = up(module_end_ ? module_end_ + kGap : 0, std::max(v.align, 16u));
      shared_[v.name] = offset;
      module_shared_.push_back({v.name, offset, v.bytes});
      module_nominal_ = up(module_nominal_, v.align) + v.bytes;
      module_end_ = kernel_end_ = offset + v.bytes;
      return;
    }
    if (v.space == ptx::Space::local) throw ptx::PtxError(v.line, ".local variable outside a function", true);
    if (v.external) throw ptx::PtxError(v.line, "extern variable '" + v.name + "': linking is not supported", true);
    Allocation* a = memory_.allocate(v.bytes, v.align);
    if (!a) throw ptx::PtxError(v.line, "no memory for variable '" + v.name + "'");
    placed_.push_back(a);
    a->name = v.name;
    a->writable = v.space == ptx::Space::global;
    a->initialised = true; /* what has no initial value is zero */
    std::memset(memory_.shadow(a->base), 1, v.bytes);
    if (!v.initial.empty()) std::memcpy(memory_.host(a->base), v.initial.data(), v.initial.size());
    program_->variables[v.name] = {a->base, v.bytes, !a->writable};
  }

  void initialise(const ptx::Variable& v) {
    for (const ptx::Variable::Address& address : v.addresses) {
      const auto target = program_->variables.find(address.symbol);
      if (target == program_->variables.end())
        throw ptx::PtxError(v.line, "address of '" + address.symbol + "' in an initial value", true);
      const uint64_t value = target->second.address + static_cast<uint64_t>(address.offset);
      std::memcpy(memory_.host(program_->variables[v.name].address + address.at), &value, 8);
    }
  }

  /* Lays out the variables of a function. */
  void declare(const ptx::Function& f, Function& out) {
    std::vector<uint64_t>& offsets = offsets_[f.name];
    offsets.resize(f.variables.size());
    out.name = f.name;
    out.entry = f.entry;
    out.params = f.params;
    out.returns = f.returns;
    uint64_t shared_end = module_end_, local_end = 0, param_end = 0;
    out.shared = module_shared_;
    out.shared_nominal = module_nominal_;
    for (size_t n = 0; n < f.variables.size(); ++n) {
      const ptx::Variable& v = f.variables[n];
      if (v.space == ptx::Space::shared) {
        if (!f.entry) throw ptx::PtxError(v.line, "shared variable inside a function", true);
        offsets[n] = up(shared_end ? shared_end + kGap : 0, std::max(v.align, 16u));
        shared_end = offsets[n] + v.bytes;
        out.shared.push_back({v.name, offsets[n], v.bytes});
        out.shared_nominal = up(out.shared_nominal, v.align) + v.bytes;
      } else if (v.space == ptx::Space::param && f.entry && n < f.params) {
        offsets[n] = up(param_end, v.align);
        param_end = offsets[n] + v.bytes;
        out.kernel_params.push_back({static_cast<uint32_t>(offsets[n]), static_cast<uint32_t>(v.bytes), v.align});
      } else if (v.space == ptx::Space::local || v.space == ptx::Space::param) {
        offsets[n] = up(local_end ? local_end + kLocalGap : 0, std::max(v.align, 16u));
        local_end = offsets[n] + v.bytes;
        out.locals.push_back({v.name, static_cast<uint32_t>(offsets[n]), static_cast<uint32_t>(v.bytes)});
      } else {
        throw ptx::PtxError(v.line, "variable '" + v.name + "' of this space inside a function", true);
      }
    }
    out.param_bytes = static_cast<uint32_t>(param_end);
    out.local_bytes = static_cast<uint32_t>(up(local_end, 16));
    out.local_shadow.assign(out.local_bytes, 2);
    for (const LaneVariable& v : out.locals) std::fill_n(out.local_shadow.begin() + v.offset, v.bytes, 0);
    if (f.max_threads[0]) out.max_threads = f.max_threads[0] * f.max_threads[1] * f.max_threads[2];
    if (f.required_threads[0]) {
      std::copy(f.required_threads.begin(), f.required_threads.end(), out.required);
      out.max_threads = out.required[0] * out.required[1] * out.required[2];
    }
    kernel_end_ = std::max(kernel_end_, shared_end);
  }

  /* What holds for every kernel because of what its module's functions do. */
  void finish(uint64_t dynamic) {
    unsigned grain = 2;
    bool atomics = false;
    for (const auto& [name, f] : program_->functions) {
      grain = std::min(grain, f->shared_grain);
      atomics |= f->global_atomics;
    }
    for (const auto& [name, f] : program_->functions) {
      f->shared_grain = grain;
      f->global_atomics = atomics;
      f->dynamic_base = dynamic;
    }
  }

  static constexpr uint64_t kLocalGap = 16;
  const ptx::Module& module_;
  DeviceMemory& memory_;
  std::vector<Allocation*>& placed_;
  std::unique_ptr<Program> program_;
  std::unordered_map<std::string, uint64_t> shared_;
  std::unordered_map<std::string, bool> unsized_;
  std::unordered_map<std::string, std::vector<uint64_t>> offsets_;
  std::vector<SharedVariable> module_shared_;
  uint64_t module_nominal_ = 0, module_end_ = 0, kernel_end_ = 0;
};

}  // namespace

std::unique_ptr<Program> build(const ptx::Module& module, DeviceMemory& memory,
                               std::vector<Allocation*>& placed) {
  return Builder(module, memory, placed).run();
}

}  // namespace softgpu
