#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <thread>

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

namespace {

/* The blocks of a launch, handed out in their order to one host thread or several. */
class Blocks {
 public:
  Blocks(Launch& launch, Counts& counts) : launch_(launch), counts_(counts), count_(launch.grid.count()) {
    if (!launch.random || count_ > (1u << 26)) return;
    order_.resize(count_);
    std::iota(order_.begin(), order_.end(), 0u);
    Random random{launch.seed + launch.id};
    for (size_t n = count_; n > 1; --n) std::swap(order_[n - 1], order_[random.next() % n]);
  }

  void run() {
    /* Kept between launches: registers, shared memory and its shadow. */
    static thread_local Block block;
    std::vector<std::thread> helpers;
    const auto start = std::chrono::steady_clock::now();
    work(block, [&] {
      const bool more = helpers.empty() && launch_.threads > 1 && !launch_.kernel->global_atomics;
      if (!more || count_ - std::min(next_.load(), count_) < 2 || std::chrono::steady_clock::now() - start < kAlone) return;
      for (unsigned n = 1; n < launch_.threads; ++n)
        helpers.emplace_back([this] {
          Block own;
          work(own, [] {});
        });
    });
    for (std::thread& helper : helpers) helper.join();
    if (fault_) throw *fault_;
  }

 private:
  static constexpr auto kAlone = std::chrono::milliseconds(2); /* less is not worth a thread */

  template <class F>
  void work(Block& block, F between) {
    prepare_block(block, launch_);
    Counts counts;
    for (uint64_t b; (b = next_.fetch_add(1)) < count_ && b < first_fault_.load();) {
      try {
        run_block(block, order_.empty() ? b : order_[b]);
        counts.blocks += 1;
        counts.threads += block.threads;
      } catch (const Fault& fault) {
        /* The report is of the first block in the order: all before it have been handed out. */
        const std::lock_guard<std::mutex> hold(lock_);
        if (b < first_fault_.load()) {
          first_fault_ = b;
          fault_ = std::make_unique<Fault>(fault);
        }
      }
      between();
    }
    for (Warp& w : block.warps) counts.add(w.counts);
    const std::lock_guard<std::mutex> hold(lock_);
    counts_.add(counts);
  }

  Launch& launch_;
  Counts& counts_;
  const uint64_t count_;
  std::vector<uint32_t> order_;
  std::atomic<uint64_t> next_{0}, first_fault_{UINT64_MAX};
  std::mutex lock_;
  std::unique_ptr<Fault> fault_;
};

}  // namespace

void run_launch(Launch& launch, Counts& counts) {
  counts.launches += 1;
  Blocks(launch, counts).run();
}

}  // namespace softgpu
