#include <algorithm>
#include <numeric>

#include "exec/lanes.h"
#include "exec/schedule.h"

namespace softgpu {

void Counts::add(const Counts& o) {
  launches += o.launches, blocks += o.blocks, threads += o.threads;
  warp_instructions += o.warp_instructions, lane_instructions += o.lane_instructions;
  global_read += o.global_read, global_written += o.global_written;
  sectors_read += o.sectors_read, sectors_written += o.sectors_written;
  shared_read += o.shared_read, shared_written += o.shared_written;
  global_atomics += o.global_atomics, shared_atomics += o.shared_atomics;
  local_bytes += o.local_bytes, barriers += o.barriers;
  matrix_operations += o.matrix_operations;
}

std::string Program::source_line(int location) const {
  const ptx::Location at = locations[static_cast<size_t>(location)];
  if (at.line == 0) return "";
  const auto file = files.find(at.file);
  std::string name = file == files.end() ? "file " + std::to_string(at.file) : file->second;
  const size_t slash = name.rfind('/');
  if (slash != std::string::npos) name = name.substr(slash + 1);
  return name + ":" + std::to_string(at.line);
}

namespace {

std::string triple(uint64_t x, uint64_t y, uint64_t z) {
  return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")";
}

}  // namespace

void fault(Warp& w, const Instr* i, int lane, FaultCode code, const std::string& what) {
  const Launch& launch = *w.launch;
  const Block& block = *w.block;
  std::string text = std::string(fault_name(code)) + ": " + what + "\n  kernel " +
                     launch.kernel->name + ", block " + triple(block.id.x, block.id.y, block.id.z);
  if (lane >= 0) {
    const uint32_t t = w.thread(lane), x = launch.block.x, y = launch.block.y;
    text += ", thread " + triple(t % x, t / x % y, t / x / y);
  } else {
    text += ", warp " + std::to_string(w.index);
  }
  const std::string source = launch.program->source_line(i->location);
  text += "\n  at " + (source.empty() ? "" : source + ", ") + "PTX line " + std::to_string(i->line);
  for (size_t depth = w.calls.size(); depth-- > 1;) {
    const Instr* call = w.calls[depth].call;
    const std::string from = launch.program->source_line(call->location);
    text += "\n  in " + w.calls[depth].function->name + ", called at " +
            (from.empty() ? "PTX line " + std::to_string(call->line) : from);
  }
  throw Fault{code, text};
}

void run_launch(Launch& launch, Counts& counts) {
  /* Kept between launches: registers, shared memory and its shadow. */
  static thread_local Block block;
  prepare_block(block, launch);
  const uint64_t blocks = launch.grid.count();
  counts.launches += 1;
  auto collect = [&] {
    for (Warp& w : block.warps) {
      counts.add(w.counts);
      w.counts = Counts{};
    }
  };
  std::vector<uint32_t> order;
  if (launch.random && blocks <= (1u << 26)) {
    order.resize(blocks);
    std::iota(order.begin(), order.end(), 0u);
    Random random{launch.seed + launch.id};
    for (size_t n = blocks; n > 1; --n) std::swap(order[n - 1], order[random.next() % n]);
  }
  try {
    for (uint64_t b = 0; b < blocks; ++b) {
      run_block(block, order.empty() ? b : order[b]);
      counts.blocks += 1;
      counts.threads += block.threads;
    }
  } catch (...) {
    collect();
    throw;
  }
  collect();
}

}  // namespace softgpu
