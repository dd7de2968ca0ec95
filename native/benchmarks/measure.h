#pragma once
/* What the timing programs measure with. */

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
