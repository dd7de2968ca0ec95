/*
 * The random walk of a 375x500 photograph's maps (94x125 positions, 4 maps, radius 5, 256 steps):
 * best wall and processor time of 15 calls, and the process's peak memory.
 *
 *     cmake --build BUILD --target wisp_time_walk && BUILD/wisp_time_walk [THREADS]
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "measure.h"
#include "wisp.h"

namespace {

constexpr int64_t kHeight = 94, kWidth = 125, kMaps = 4, kSteps = 256;
constexpr int32_t kRadius = 5;
constexpr int kCalls = 15;

using Path = std::vector<std::pair<int32_t, int32_t>>;

/* All paths shorter than the radius, each from its destination to its source. */
std::vector<Path> paths() {
  std::vector<Path> all;
  for (int32_t dy = 0; dy < kRadius; ++dy)
    for (int32_t dx = dy == 0 ? 1 : 1 - kRadius; dx < kRadius; ++dx) {
      const int32_t length = dy * dy + dx * dx;
      if (length >= kRadius * kRadius) continue;
      Path path;
      for (int32_t y = 0; y <= dy; ++y)
        for (int32_t x = std::min(0, dx); x <= std::max(0, dx); ++x) {
          const int32_t cross = dy * x - dx * y;
          if (cross * cross < length) path.emplace_back(y, x);
        }
      std::stable_sort(path.begin(), path.end(), [](const auto& a, const auto& b) {
        return a.first + std::abs(a.second) > b.first + std::abs(b.second);
      });
      all.push_back(path);
    }
  return all;
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : wisp_threads();
  const char* isa = "";
  if (wisp_isa(&isa) != WISP_OK || wisp_set_threads(threads) != WISP_OK) {
    std::fprintf(stderr, "%s\n", wisp_error_message());
    return 2;
  }
  std::vector<int32_t> offsets(1, 0), coordinates;
  for (const Path& path : paths()) {
    for (const auto& at : path) {
      coordinates.push_back(at.first);
      coordinates.push_back(at.second);
    }
    offsets.push_back(static_cast<int32_t>(coordinates.size() / 2));
  }
  std::vector<float> boundary(kHeight * kWidth), maps(kMaps * kHeight * kWidth), out(maps.size());
  uint32_t state = 1;
  const auto random = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(state >> 8) / static_cast<float>(1 << 24);
  };
  for (float& value : boundary) value = random() / 2;
  for (float& value : maps) value = random();
  const long before = peak_kilobytes();
  const auto compute = [&] {
    return wisp_random_walk(boundary.data(), maps.data(), kMaps, kHeight, kWidth, kRadius,
                            offsets.data(), coordinates.data(),
                            static_cast<int64_t>(offsets.size()) - 1, 10, kSteps,
                            out.data()) == WISP_OK;
  };
  Best best;
  if (!best_of(kCalls, compute, &best)) {
    std::fprintf(stderr, "%s\n", wisp_error_message());
    return 1;
  }
  std::printf("%s, %d threads: %.0f ms wall, %.0f ms processor; peak %ld kB, before it %ld kB\n",
              isa, threads, best.wall * 1e3, best.processor * 1e3, peak_kilobytes(), before);
  return 0;
}
