/* A small test harness: checks with a sentence for a name, and the driver calls that they need. */
#ifndef SOFTGPU_TESTS_HARNESS_H
#define SOFTGPU_TESTS_HARNESS_H

#include <cstdint>
#include <string>
#include <vector>

#include "driver.h"

namespace softgpu_tests {

struct Check {
  Check(const char* name, void (*body)());
};

void expect(bool holds, const std::string& what);
/* Compares and shows both. */
void expect_equal(uint64_t found, uint64_t wanted, const std::string& what);
void expect_contains(const std::string& text, const std::string& part);
void skip(const std::string& why);

/* "header, then `body`": PTX for sm_NN. */
std::string ptx(const std::string& body, int target = 75);

/* The last report of the device. */
std::string last_report();

/* Blocks, warps and atomics in random order, or not, while the object lives; then again as
   WISP_SOFTGPU_ORDER says. */
struct Order {
  Order(bool random, uint64_t seed);
  ~Order();
};

/* A context of device 0, current while the object lives. */
class Session {
 public:
  explicit Session(int device = 0);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /* Loads PTX and ends the program where that fails. */
  void* load(const std::string& text);
  /* The kernel of a module with one kernel, or by name. */
  void* kernel(const std::string& text, const char* name);

  template <class T>
  DevicePointer upload(const std::vector<T>& values) {
    const DevicePointer p = allocate(values.size() * sizeof(T));
    must(cuMemcpyHtoD_v2(p, values.data(), values.size() * sizeof(T)), "upload");
    return p;
  }
  template <class T>
  std::vector<T> download(DevicePointer p, size_t count) {
    std::vector<T> values(count);
    must(cuMemcpyDtoH_v2(values.data(), p, count * sizeof(T)), "download");
    return values;
  }
  DevicePointer allocate(size_t bytes);

  static void must(int code, const std::string& what);

 private:
  void* context_ = nullptr;
};

struct Dim {
  unsigned x = 1, y = 1, z = 1;
};

/* Launches with parameters given by value; returns the code. */
int launch_with(void* kernel, Dim grid, Dim block, unsigned shared, std::vector<void*> params);

template <class... P>
int launch(void* kernel, Dim grid, Dim block, unsigned shared, P... params) {
  return launch_with(kernel, grid, block, shared, {static_cast<void*>(&params)...});
}

/* splitmix64 */
struct Random {
  uint64_t state = 1;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  float uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(next() >> 40) / 16777216.0f;
  }
};

}  // namespace softgpu_tests

#endif
