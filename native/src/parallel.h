/*
 * Parallel loops whose partition depends on the problem's size alone, never on the number of
 * threads: a kernel that combines per-block results in block order gives equal bits at any thread
 * count. OpenMP in the product; std::thread with WISP_STD_THREADS, because ThreadSanitizer cannot
 * see through an uninstrumented libgomp.
 *
 * A body must not throw: allocate what it needs before the loop.
 */
#ifndef WISP_PARALLEL_H
#define WISP_PARALLEL_H

#include <cstdint>

#ifdef WISP_STD_THREADS
#include <atomic>
#include <thread>
#include <vector>
#else
#include <omp.h>
#endif

#ifndef WISP_TIER
#define WISP_TIER common
#endif

namespace wisp {

/* Threads used by loops started on the calling thread; at least 1. See wisp_set_threads. */
int threads();

namespace WISP_TIER {

/*
 * Calls body(worker, block) once for each block in [0, blocks). `worker` lies in [0, threads()) and
 * is not shared by two bodies that run at the same time: an index into per-thread scratch memory.
 */
template <class Body>
void parallel_workers(int64_t blocks, const Body& body) {
  const int team = static_cast<int>(blocks < threads() ? blocks : threads());
  if (team <= 1) {
    for (int64_t block = 0; block < blocks; ++block) body(0, block);
    return;
  }
#ifdef WISP_STD_THREADS
  std::atomic<int64_t> next{0};
  std::vector<std::thread> others;
  auto work = [&](int worker) {
    for (int64_t block; (block = next.fetch_add(1)) < blocks;) body(worker, block);
  };
  for (int worker = 1; worker < team; ++worker) others.emplace_back(work, worker);
  work(0);
  for (std::thread& other : others) other.join();
#else
  /* Dynamic: blocks differ in cost and cores are shared; the order has no effect on results. */
#pragma omp parallel num_threads(team)
  {
    const int worker = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
    for (int64_t block = 0; block < blocks; ++block) body(worker, block);
  }
#endif
}

/* Calls body(block) once for each block in [0, blocks). */
template <class Body>
void parallel_for(int64_t blocks, const Body& body) {
  parallel_workers(blocks, [&](int, int64_t block) { body(block); });
}

/* Number of blocks of `grain` elements that cover n. */
inline int64_t block_count(int64_t n, int64_t grain) { return (n + grain - 1) / grain; }

/* Calls body(begin, end) over [0, n) in pieces of `grain` elements, the last one shorter. */
template <class Body>
void parallel_ranges(int64_t n, int64_t grain, const Body& body) {
  parallel_for(block_count(n, grain), [&](int64_t block) {
    const int64_t begin = block * grain;
    body(begin, begin + grain < n ? begin + grain : n);
  });
}

}  // namespace WISP_TIER
}  // namespace wisp

#endif
