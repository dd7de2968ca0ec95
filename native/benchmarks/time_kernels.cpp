/*
 * Times the method's kernels through the C ABI, for tuning: wisp_time [images [classes [side]]]
 * with `side` x `side` x 768 features and a guide of 4 * side. Prints the best and the median of
 * the calling thread's own processor time on one thread, which other load disturbs little, and of
 * the wall time on all threads. Comparison with other engines is the business of benchmarks/.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <vector>

#include "wisp.h"

namespace {

constexpr int64_t kChannels = 768;
constexpr int kCalls = 21;

void require(int32_t status) {
  if (status != WISP_OK) {
    std::fprintf(stderr, "%s\n", wisp_error_message());
    std::exit(1);
  }
}

std::vector<float> values(int64_t n, float low, float high) {
  static uint64_t state = 1;
  std::vector<float> result(static_cast<size_t>(n));
  for (float& value : result) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    value = low + (high - low) * static_cast<float>(state >> 40) / 16777216.0f;
  }
  return result;
}

void print_times(clockid_t clock, const std::function<int32_t()>& kernel) {
  std::vector<double> times;
  for (int call = 0; call < kCalls; ++call) {
    timespec begin, end;
    clock_gettime(clock, &begin);
    require(kernel());
    clock_gettime(clock, &end);
    times.push_back(static_cast<double>(end.tv_sec - begin.tv_sec) * 1e3 +
                    static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e6);
  }
  std::sort(times.begin(), times.end());
  std::printf(" %10.3f %10.3f", times[0], times[kCalls / 2]);
}

void time(const char* name, int threads, const std::function<int32_t()>& kernel) {
  std::printf("%-20s", name);
  require(wisp_set_threads(1));
  print_times(CLOCK_THREAD_CPUTIME_ID, kernel);
  require(wisp_set_threads(threads));
  print_times(CLOCK_MONOTONIC, kernel);
  std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) {
  const int64_t n = count > 1 ? std::atoi(arguments[1]) : 1;
  const int32_t classes = count > 2 ? std::atoi(arguments[2]) : 3;
  const int64_t side = count > 3 ? std::atoi(arguments[3]) : 32;
  if (n < 1 || classes < 1 || side < 1) {
    std::fprintf(stderr, "usage: wisp_time [images [classes [side]]]\n");
    return 2;
  }
  const int64_t d = kChannels, positions = side * side, rows = n * classes, guide = 4 * side;
  const int64_t pixels = guide * guide;
  const int threads = wisp_threads();
  const int32_t dilations[] = {1, 2, 4, 8, 12, 24};
  std::vector<int32_t> offsets(1, 0), ids, seeds(static_cast<size_t>(n * positions));
  for (int64_t b = 0; b < n; ++b) {
    for (int32_t id = 0; id < classes; ++id) ids.push_back(id);
    offsets.push_back(static_cast<int32_t>(ids.size()));
  }
  auto feature = values(n * positions * d, -0.3f, 0.7f), maps = values(rows * positions, 0, 1);
  auto prototypes = values(rows * d, 0, 1), f_norms = values(n * positions, 0, 1);
  auto p_norms = values(rows, 0, 1), d_maps = values(rows * positions, -1, 1);
  auto d_feature = values(n * positions * d, -1, 1), d_prototypes = values(rows * d, -1, 1);
  auto image = values(n * pixels * 3, 0, 1), affinity = values(n * 48 * pixels, 0, 1);
  auto masks = values(rows * pixels, 0, 1), refined = values(rows * pixels, 0, 1);

  const char* isa = "";
  require(wisp_isa(&isa));
  std::printf("%s, %d threads; %ld images, %d classes, %ldx%ldx%ld features, %ldx%ld guide\n", isa,
              threads, static_cast<long>(n), classes, static_cast<long>(side),
              static_cast<long>(side), static_cast<long>(d), static_cast<long>(guide),
              static_cast<long>(guide));
  std::printf("%-20s %21s %21s\n", "ms: best, median", "one thread, cpu time", "all threads, wall");
  time("structure_seeds", threads, [&] {
    return wisp_structure_seeds(feature.data(), n, positions, d, maps.data(), offsets.data(),
                                ids.data(), offsets.data(), ids.data(), classes, nullptr, 1e-5f,
                                seeds.data(), nullptr);
  });
  time("prototypes", threads, [&] {
    return wisp_prototypes(feature.data(), n, positions, d, seeds.data(), offsets.data(),
                           ids.data(), classes, prototypes.data());
  });
  time("prototypes_backward", threads, [&] {
    return wisp_prototypes_backward(d_prototypes.data(), n, positions, d, seeds.data(),
                                    offsets.data(), ids.data(), classes, d_feature.data());
  });
  time("reactivate", threads, [&] {
    return wisp_reactivate(feature.data(), n, positions, d, prototypes.data(), offsets.data(),
                           f_norms.data(), p_norms.data(), maps.data());
  });
  time("reactivate_backward", threads, [&] {
    return wisp_reactivate_backward(feature.data(), n, positions, d, prototypes.data(),
                                    offsets.data(), f_norms.data(), p_norms.data(), maps.data(),
                                    d_maps.data(), d_feature.data(), d_prototypes.data());
  });
  time("pamr_affinity", threads, [&] {
    return wisp_pamr_affinity(image.data(), n, guide, guide, 3, dilations, 6, 0, affinity.data(),
                              nullptr, nullptr);
  });
  time("pamr_steps (10)", threads, [&] {
    return wisp_pamr_steps(affinity.data(), guide, guide, dilations, 6, 10, masks.data(), n,
                           offsets.data(), refined.data());
  });
  return 0;
}
