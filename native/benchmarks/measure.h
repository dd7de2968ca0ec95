#pragma once
/* What the timing programs measure with. */

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

inline double seconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/* Peak resident memory in kB; 0 where the system does not tell. */
inline long peak_kilobytes() {
  long kilobytes = 0;
  if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
    char line[256];
    while (std::fgets(line, sizeof line, file))
      if (std::strncmp(line, "VmHWM:", 6) == 0) kilobytes = std::atol(line + 6);
    std::fclose(file);
  }
  return kilobytes;
}

/* The best of some calls, in seconds. */
struct Best {
  double wall = 1e9, processor = 1e9;
};

/* Times call() so many times; whether every one returned true. */
template <class Call>
bool best_of(int calls, const Call& call, Best* best) {
  for (int i = 0; i < calls; ++i) {
    const double wall = seconds(CLOCK_MONOTONIC), processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!call()) return false;
    best->wall = std::min(best->wall, seconds(CLOCK_MONOTONIC) - wall);
    best->processor = std::min(best->processor, seconds(CLOCK_PROCESS_CPUTIME_ID) - processor);
  }
  return true;
}
