/* Kernels compiled by NVRTC for every architecture, and the bugs planted in CUDA sources. */
#include <cmath>
#include <functional>

#include "harness.h"
#include "nvrtc.h"

using namespace softgpu_tests;
using softgpu_compiler::has_nvrtc;

namespace {

std::string kernels(const char* file) { return std::string(SOFTGPU_TEST_KERNELS) + "/" + file; }

std::string compile(const char* file, int architecture) {
  return softgpu_compiler::compile(kernels(file), architecture);
}

/* For each architecture, in plain and in random order, with a fresh context of the newest device. */
void everywhere(const std::function<void(Session&, const std::function<void*(const char*)>&)>& body) {
  if (!has_nvrtc()) return skip("no libnvrtc.so.12 (WISP_NVRTC names its folder)");
  for (int architecture : {52, 61, 70, 75, 80, 90}) {
    const std::string text = compile("sound.cu", architecture);
    for (bool random : {false, true}) {
      const Order order(random, static_cast<uint64_t>(architecture));
      Session s(0);
      void* module = s.load(text);
      body(s, [&](const char* name) {
        void* f = nullptr;
        Session::must(cuModuleGetFunction(&f, module, name), name);
        return f;
      });
    }
  }
}

std::vector<float> floats(size_t n, float low, float high) {
  std::vector<float> v(n);
  Random random;
  for (float& x : v) x = random.uniform(low, high);
  return v;
}

Check elementwise("compiled: y = a x + y for sizes around the block", [] {
  everywhere([](Session& s, const auto& kernel) {
    for (long long n : {1, 31, 32, 255, 256, 257, 1000}) {
      const auto x = floats(static_cast<size_t>(n), -1, 1), y = floats(static_cast<size_t>(n), -5, 5);
      const DevicePointer dx = s.upload(x), dy = s.upload(y);
      const float a = 1.7f;
      Session::must(launch(kernel("scale_add"), {static_cast<unsigned>((n + 255) / 256)}, {256}, 0, dx, dy, n, a), "launch");
      const auto out = s.download<float>(dy, static_cast<size_t>(n));
      for (size_t i = 0; i < out.size(); ++i) expect(out[i] == std::fma(a, x[i], y[i]), "element " + std::to_string(i));
    }
  });
});

Check sums("compiled: sums by shuffles and shared memory", [] {
  everywhere([](Session& s, const auto& kernel) {
    const int n = 1000;
    const auto x = floats(n, -1, 1);
    const DevicePointer dx = s.upload(x), out = s.allocate(4 * 8);
    Session::must(launch(kernel("block_sum"), {4}, {256}, 0, dx, out, n), "launch");
    const auto sums = s.download<double>(out, 4);
    for (size_t b = 0; b < 4; ++b) {
      double wanted = 0;
      for (size_t i = 256 * b; i < 256 * (b + 1) && i < n; ++i) wanted += static_cast<double>(x[i]);
      expect(std::fabs(sums[b] - wanted) < 1e-12, "block " + std::to_string(b));
    }
  });
});

Check products("compiled: a tiled matrix product with ragged edges", [] {
  everywhere([](Session& s, const auto& kernel) {
    const int m = 35, n = 50, k = 41;
    const auto a = floats(m * k, -1, 1), b = floats(k * n, -1, 1);
    const DevicePointer da = s.upload(a), db = s.upload(b), dc = s.allocate(m * n * 4);
    Session::must(launch(kernel("product"), {4, 3}, {16, 16}, 0, da, db, dc, m, n, k), "launch");
    const auto c = s.download<float>(dc, m * n);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        float wanted = 0;
        for (int p = 0; p < k; ++p) wanted = std::fma(a[static_cast<size_t>(i * k + p)], b[static_cast<size_t>(p * n + j)], wanted);
        expect(c[static_cast<size_t>(i * n + j)] == wanted, "element " + std::to_string(i) + "," + std::to_string(j));
      }
  });
});

Check math("compiled: library functions, calls, local arrays, divisions, atomics", [] {
  everywhere([](Session& s, const auto& kernel) {
    const int n = 500;
    const long long divisor = -12345;
    const auto x = floats(n, -3, 3);
    const DevicePointer dx = s.upload(x), out = s.allocate(n * 4), q = s.allocate(n * 8);
    Session::must(launch(kernel("functions"), {4}, {128}, 0, dx, out, q, divisor, n), "launch");
    const auto found = s.download<float>(out, n);
    const auto quotients = s.download<long long>(q, n);
    const float picked[] = {1.0f, 0.5f, 0.25f, 0.125f, -1, -1, -1, -1};
    for (int i = 0; i < n; ++i) {
      const double v = static_cast<double>(x[static_cast<size_t>(i)]);
      double wanted = 0;
      switch (i % 6) {
        case 0: wanted = std::exp(v); break;
        case 1: wanted = std::log(std::fabs(v) + 1); break;
        case 2: wanted = std::sin(static_cast<double>(static_cast<float>(v) * 100000.0f)); break;
        case 3: wanted = std::pow(std::fabs(v), 1.5); break;
        case 4: wanted = std::exp(v) / 3; break;
        default: wanted = static_cast<double>(picked[i & 7]);
      }
      expect(std::fabs(static_cast<double>(found[static_cast<size_t>(i)]) - wanted) <= 4e-7 * (1e-3 + std::fabs(wanted)),
             "function " + std::to_string(i % 6) + " of " + std::to_string(v) + ": " + std::to_string(found[static_cast<size_t>(i)]));
      expect(quotients[static_cast<size_t>(i)] == (static_cast<long long>(i) * 1000003 - 7777777) / divisor, "quotient");
    }
  });
});

Check compaction("compiled: ballots keep the order of what is kept", [] {
  everywhere([](Session& s, const auto& kernel) {
    const int n = 700;
    std::vector<int> x(n);
    Random random;
    for (int& v : x) v = static_cast<int>(random.next() % 19) - 9;
    const DevicePointer dx = s.upload(x), out = s.allocate(3 * 256 * 4), counts = s.allocate(12);
    Session::must(launch(kernel("compact"), {3}, {256}, 0, dx, out, counts, n), "launch");
    const auto kept = s.download<int>(out, 768), count = s.download<int>(counts, 3);
    for (size_t b = 0; b < 3; ++b) {
      size_t at = 0;
      for (size_t i = 256 * b; i < 256 * (b + 1) && i < n; ++i)
        if (x[i] > 0) expect(kept[256 * b + at++] == x[i], "kept element");
      expect(static_cast<size_t>(count[b]) == at, "count");
    }
  });
});

/* The line of a kernel's bug: the first "CAUGHT" behind its name. */
std::string caught_line(const std::string& source, const std::string& name) {
  const size_t at = source.find("CAUGHT", source.find(" " + name + "("));
  size_t line = 1;
  for (size_t c = 0; c < at; ++c) line += source[c] == '\n';
  return "planted.cu:" + std::to_string(line);
}

Check bugs("compiled: bugs planted in CUDA sources are caught at their line", [] {
  if (!has_nvrtc()) return skip("no libnvrtc.so.12 (WISP_NVRTC names its folder)");
  const std::string source = softgpu_compiler::read_text(kernels("planted.cu"));
  struct Bug {
    const char *name, *words;
    int code;
  };
  const Bug bugs[] = {{"guard", "behind the end of allocation", 700}, {"no_barrier", "'", 719}, {"past_tile", "0 bytes behind '", 700},
                      {"unwritten", "uninitialised", 719}, {"some_wait", "barrier divergence", 719}};
  for (int architecture : {52, 75, 90}) {
    const std::string text = compile("planted.cu", architecture);
    for (const Bug& bug : bugs) {
      for (bool random : {false, true}) {
        const Order order(random, 3);
        Session s(0);
        void* f = nullptr;
        Session::must(cuModuleGetFunction(&f, s.load(text), bug.name), bug.name);
        const DevicePointer x = s.upload(std::vector<float>(256, 1)), y = s.allocate(1024);
        const bool guard = std::string(bug.name) == "guard";
        const int n = guard ? 256 : 100;
        expect_equal(static_cast<uint64_t>(launch(f, {guard ? 2u : 1u}, {256}, 0, x, y, n)), static_cast<uint64_t>(bug.code), bug.name);
        expect_contains(last_report(), bug.words);
        expect_contains(last_report(), std::string("kernel ") + bug.name);
        expect_contains(last_report(), caught_line(source, bug.name));
      }
    }
  }
});

}  // namespace
