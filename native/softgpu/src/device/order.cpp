#include "device/order.h"

#include <algorithm>
#include <mutex>

namespace softgpu {

uint64_t Clock::of(uint64_t stream) const {
  const auto found = last_.find(stream);
  return found == last_.end() ? 0 : found->second;
}

void Clock::join(const Clock& other) {
  for (const auto& [stream, number] : other.last_) {
    uint64_t& mine = last_[stream];
    mine = std::max(mine, number);
  }
}

std::string note_use(Uses& uses, const Turn& turn, bool writes) {
  static std::mutex lock;
  const std::lock_guard<std::mutex> hold(lock);
  auto unordered = [&](const char* use, uint64_t stream) {
    return std::string(writes ? "a write" : "a read") + " on stream " + std::to_string(turn.stream) +
           " that is not ordered behind " + use + " on stream " + std::to_string(stream) +
           ": no event or wait lies between";
  };
  const Uses::Write& last = uses.written;
  if (last.stream && turn.clock->of(last.stream) < last.number) return unordered("the write", last.stream);
  if (!writes) {
    uses.read[turn.stream] = turn.number;
    return "";
  }
  for (const auto& [stream, number] : uses.read)
    if (turn.clock->of(stream) < number) return unordered("a read", stream);
  uses.read.clear();
  uses.written = {turn.stream, turn.number};
  return "";
}

}  // namespace softgpu
