#include "harness.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "isa.h"
#include "wisp.h"

namespace wisp_tests {

const std::vector<int64_t> kLengths = {0,  1,  2,  3,  4,  5,  7,   8,    9,     15,    16,
                                       17, 31, 32, 33, 63, 65, 127, 1009, 16384, 16385, 40961};

namespace {

struct KernelCase {
  std::string name;
  std::vector<int64_t> sizes;
  Body body;
};

struct PlainCheck {
  std::string name;
  void (*body)();
};

std::vector<KernelCase>& cases() {
  static std::vector<KernelCase> all;
  return all;
}

std::vector<PlainCheck>& checks() {
  static std::vector<PlainCheck> all;
  return all;
}

std::string current;
int failures = 0;

}  // namespace

Case::Case(const char* name, std::vector<int64_t> sizes, Body body) {
  cases().push_back({name, std::move(sizes), body});
}

Check::Check(const char* name, void (*body)()) { checks().push_back({name, body}); }

void expect(bool holds, const std::string& what) {
  if (!holds) {
    ++failures;
    std::printf("FAIL %s: %s\n", current.c_str(), what.c_str());
  }
}

Guarded::Guarded(int64_t bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t usable = (static_cast<size_t>(bytes) + page) / page * page;
  mapped_ = usable + page;
  mapping_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED || mprotect(static_cast<char*>(mapping_) + usable, page, PROT_NONE)) {
    std::perror("guard page");
    std::exit(2);
  }
  data_ = static_cast<char*>(mapping_) + usable - bytes;
}

Guarded::~Guarded() { munmap(mapping_, mapped_); }

void* Run::make(int64_t bytes) {
  memory_.push_back(std::make_unique<Guarded>(bytes));
  return memory_.back()->data();
}

/* splitmix64 */
uint64_t Run::next() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

float* Run::input(int64_t n, float low, float high) {
  float* values = static_cast<float*>(make(n * 4));
  for (int64_t i = 0; i < n; ++i)
    values[i] = low + (high - low) * static_cast<float>(next() >> 40) / 16777216.0f;
  return values;
}

int32_t* Run::ints(int64_t n, int32_t low, int32_t high) {
  int32_t* values = static_cast<int32_t*>(make(n * 4));
  for (int64_t i = 0; i < n; ++i)
    values[i] = low + static_cast<int32_t>(next() % static_cast<uint64_t>(high - low));
  return values;
}

int32_t* Run::ints(const std::vector<int32_t>& given) {
  int32_t* values = static_cast<int32_t*>(make(static_cast<int64_t>(given.size()) * 4));
  if (!given.empty()) std::memcpy(values, given.data(), given.size() * 4);
  return values;
}

uint8_t* Run::bytes(int64_t n) {
  uint8_t* values = static_cast<uint8_t*>(make(n));
  for (int64_t i = 0; i < n; ++i) values[i] = static_cast<uint8_t>(next());
  return values;
}

float* Run::output(int64_t n, double tolerance) {
  float* values = static_cast<float*>(make(n * 4));
  for (int64_t i = 0; i < n; ++i) values[i] = NAN;
  outputs_.push_back({values, n, 'f', tolerance, true});
  return values;
}

float* Run::updated(int64_t n, float low, float high, double tolerance) {
  float* values = input(n, low, high);
  outputs_.push_back({values, n, 'f', tolerance, true});
  return values;
}

int32_t* Run::output_ints(int64_t n, bool equal_across_tiers) {
  int32_t* values = static_cast<int32_t*>(make(n * 4));
  for (int64_t i = 0; i < n; ++i) values[i] = INT32_MIN;
  outputs_.push_back({values, n, 'i', 0, equal_across_tiers});
  return values;
}

uint8_t* Run::output_bytes(int64_t n) {
  uint8_t* values = static_cast<uint8_t*>(make(n));
  outputs_.push_back({values, n, 'b', 0, true});
  return values;
}

namespace {

int64_t width(char type) { return type == 'b' ? 1 : 4; }

/* Same bits at another thread count. */
void expect_equal(const Run& a, const Run& b, const std::string& what) {
  for (size_t i = 0; i < a.outputs().size(); ++i) {
    const auto &x = a.outputs()[i], &y = b.outputs()[i];
    const size_t bytes = static_cast<size_t>(x.count * width(x.type));
    expect(bytes == 0 || std::memcmp(x.data, y.data, bytes) == 0,
           what + ": output " + std::to_string(i) + " has other bits");
  }
}

/* Every element written, and near the portable tier's. */
void expect_near(const Run& portable, const Run& run, const std::string& what) {
  for (size_t i = 0; i < run.outputs().size(); ++i) {
    const auto &x = portable.outputs()[i], &y = run.outputs()[i];
    for (int64_t e = 0; e < x.count && x.across_tiers; ++e) {
      bool holds = true;
      if (x.type == 'f') {
        const double p = static_cast<const float*>(x.data)[e];
        const double q = static_cast<const float*>(y.data)[e];
        holds = std::fabs(p - q) <= x.tolerance * (1 + std::fabs(p));
      } else {
        holds = std::memcmp(static_cast<const char*>(x.data) + e * width(x.type),
                            static_cast<const char*>(y.data) + e * width(x.type),
                            static_cast<size_t>(width(x.type))) == 0;
      }
      if (!holds) {
        expect(false, what + ": output " + std::to_string(i) + " element " + std::to_string(e));
        return;
      }
    }
  }
}

void run_case(const KernelCase& test, int64_t size) {
  using wisp::Tier;
  current = test.name + "/" + std::to_string(size);
  wisp_set_threads(1);
  Run portable(wisp::kernels(Tier::portable));
  test.body(portable, size);
  for (Tier tier : {Tier::portable, Tier::avx2, Tier::avx512}) {
    if (tier > wisp::widest_tier()) continue;
    const std::string name = wisp::tier_name(tier);
    wisp_set_threads(1);
    Run one(wisp::kernels(tier));
    test.body(one, size);
    expect_near(portable, one, name);
    for (int threads : {2, 5}) {
      wisp_set_threads(threads);
      Run several(wisp::kernels(tier));
      test.body(several, size);
      expect_equal(one, several, name + " on " + std::to_string(threads) + " threads");
    }
  }
}

}  // namespace
}  // namespace wisp_tests

/* Runs the cases whose name begins with the argument, or all. */
int main(int count, char** arguments) {
  using namespace wisp_tests;
  const std::string prefix = count > 1 ? arguments[1] : "";
  int run = 0;
  for (const KernelCase& test : cases()) {
    if (test.name.rfind(prefix, 0) != 0) continue;
    for (int64_t size : test.sizes) {
      run_case(test, size);
      ++run;
    }
  }
  for (const PlainCheck& test : checks()) {
    if (test.name.rfind(prefix, 0) != 0) continue;
    current = test.name;
    test.body();
    ++run;
  }
  std::printf("%d cases up to tier %s, %d failures\n", run,
              wisp::tier_name(wisp::widest_tier()), failures);
  return failures > 0 || run == 0 ? 1 : 0;
}
