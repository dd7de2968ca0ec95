#include "instructions.h"

#include <cmath>
#include <cstdio>

namespace softgpu_tests {
namespace {

const char* register_type(char t) {
  switch (t) {
    case 'h': return "b16";
    case 'r': return "b32";
    case 'd': return "b64";
    case 'f': return "f32";
    case 'F': return "f64";
    default: return "pred";
  }
}

std::string declare(char t, const char* name) {
  return std::string("  .reg .") + register_type(t) + " " + name + ";\n";
}

std::string kernel_text(const std::string& statement, const std::string& types, int target) {
  std::string text = ".visible .entry t(.param .u64 out, .param .u64 in, .param .u32 n)\n{\n"
                     "  .reg .pred %guard; .reg .b32 %i<5>; .reg .b64 %q<6>;\n";
  const char* names[] = {"%d", "%a", "%b", "%c"};
  for (size_t n = 0; n < types.size(); ++n) text += declare(types[n], names[n]);
  text += "  mov.u32 %i0, %ctaid.x; mov.u32 %i1, %ntid.x; mov.u32 %i2, %tid.x;\n"
          "  mad.lo.u32 %i3, %i0, %i1, %i2;\n  ld.param.u32 %i4, [n];\n"
          "  setp.ge.u32 %guard, %i3, %i4;\n  @%guard bra END;\n"
          "  ld.param.u64 %q0, [out]; ld.param.u64 %q1, [in];\n"
          "  mul.wide.u32 %q2, %i3, 8; add.u64 %q3, %q0, %q2;\n"
          "  mul.wide.u32 %q4, %i3, 24; add.u64 %q5, %q1, %q4;\n"
          "  mov.u64 %q2, 0; st.global.u64 [%q3], %q2;\n";
  for (size_t n = 1; n < types.size(); ++n)
    text += std::string("  ld.global.") + register_type(types[n]) + " " + names[n] + ", [%q5+" +
            std::to_string(8 * (n - 1)) + "];\n";
  text += "  " + statement + "\n";
  if (types[0] == 'p') text += "  selp.b32 %i0, 1, 0, %d; st.global.u32 [%q3], %i0;\n";
  else text += std::string("  st.global.") + register_type(types[0]) + " [%q3], %d;\n";
  return ptx(text + "END:\n  ret;\n}\n", target);
}

/* Distance in units in the last place; 0 for two NaNs. */
double distance(char t, uint64_t a, uint64_t b) {
  if (a == b) return 0;
  if (t == 'F') {
    const double x = f64(a), y = f64(b);
    if (std::isnan(x) && std::isnan(y)) return 0;
    if (std::isnan(x) || std::isnan(y) || std::isinf(x) || std::isinf(y)) return INFINITY;
    return std::fabs(x - y) / std::ldexp(1.0, std::max(std::ilogb(y), -1022) - 52);
  }
  if (t != 'f') return INFINITY;
  const float x = f32(a), y = f32(b);
  if (std::isnan(x) && std::isnan(y)) return 0;
  if (std::isnan(x) || std::isnan(y) || std::isinf(x) || std::isinf(y)) return INFINITY;
  if (x == y) return std::signbit(x) == std::signbit(y) ? 0 : INFINITY;
  return std::fabs(static_cast<double>(x) - y) / std::ldexp(1.0, y == 0 ? -149 : std::max(std::ilogb(y), -126) - 23);
}

}  // namespace

void check_instruction(const std::string& statement, const std::string& types,
                       const std::vector<Operands>& operands, const Host& host, unsigned ulps, int target) {
  Session session;
  void* kernel = session.kernel(kernel_text(statement, types, target), "t");
  const DevicePointer in = session.upload(operands), out = session.allocate(operands.size() * 8);
  const unsigned n = static_cast<unsigned>(operands.size());
  Session::must(launch(kernel, {(n + 95) / 96}, {96}, 0, out, in, n), statement);
  const auto found = session.download<uint64_t>(out, operands.size());
  int wrong = 0;
  for (size_t k = 0; k < operands.size(); ++k) {
    const Operands& o = operands[k];
    const uint64_t wanted = host(o.a, o.b, o.c);
    if (distance(types[0], found[k], wanted) <= ulps) continue;
    if (++wrong > 3) break;
    char text[160];
    std::snprintf(text, sizeof text, " of 0x%llx, 0x%llx, 0x%llx: found 0x%llx, wanted 0x%llx",
                  static_cast<unsigned long long>(o.a), static_cast<unsigned long long>(o.b),
                  static_cast<unsigned long long>(o.c), static_cast<unsigned long long>(found[k]),
                  static_cast<unsigned long long>(wanted));
    expect(false, statement + text);
  }
}

std::vector<Operands> integer_operands() {
  static const uint64_t edges[] = {0, 1, 2, 3, 5, 7, 8, 16, 31, 32, 33, 63, 64, 255, 0x7fff, 0x8000, 0xffff,
                                   0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
                                   0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffffffe};
  std::vector<Operands> all;
  Random random;
  for (uint64_t a : edges)
    for (uint64_t b : edges) all.push_back({a, b, edges[random.next() % 25]});
  for (int n = 0; n < 400; ++n) {
    Operands o{random.next(), random.next(), random.next()};
    if (n % 3 == 0) o.b >>= random.next() % 64;
    if (n % 3 == 1) o.c >>= random.next() % 64;
    all.push_back(o);
  }
  return all;
}

std::vector<Operands> float_operands() {
  static const float edges[] = {0.0f, -0.0f, 1.0f, -1.0f, 0.5f, 1.5f, 2.5f, -2.5f, INFINITY, -INFINITY, NAN,
                                1e-40f, -1e-40f, 1.17549435e-38f, 3.4028235e38f, -3.4028235e38f, 16777216.0f, 1e-7f};
  std::vector<Operands> all;
  Random random;
  for (float a : edges)
    for (float b : edges) all.push_back({bits(a), bits(b), bits(edges[random.next() % 18])});
  for (int n = 0; n < 400; ++n) {
    auto value = [&] {
      return bits(std::ldexp(random.uniform(-2, 2), static_cast<int>(random.next() % 40) - 20));
    };
    all.push_back({value(), value(), value()});
  }
  for (int n = 0; n < 100; ++n) all.push_back({random.next() >> 32, random.next() >> 32, random.next() >> 32});
  return all;
}

std::vector<Operands> double_operands() {
  static const double edges[] = {0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, INFINITY, -INFINITY, NAN, 1e-310, -1e-310,
                                 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740992.0, 1e-17};
  std::vector<Operands> all;
  Random random;
  for (double a : edges)
    for (double b : edges) all.push_back({bits(a), bits(b), bits(edges[random.next() % 16])});
  for (int n = 0; n < 400; ++n) {
    auto value = [&] {
      return bits(std::ldexp(static_cast<double>(random.next() >> 11) * 0x1p-52 - 1, static_cast<int>(random.next() % 80) - 40));
    };
    all.push_back({value(), value(), value()});
  }
  for (int n = 0; n < 100; ++n) all.push_back({random.next(), random.next(), random.next()});
  return all;
}

}  // namespace softgpu_tests
