#include "isa.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "abi.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace wisp {

#if defined(__x86_64__)
namespace {

/* XCR0: which register state the operating system saves on a context switch. */
uint64_t saved_state() {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

Tier detect() {
  constexpr uint64_t kYmmState = 0x6, kZmmState = 0xe6;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA)) {
    return Tier::portable;
  }
  const uint64_t state = saved_state();
  if ((state & kYmmState) != kYmmState || !__get_cpuid_count(7, 0, &a, &b, &c, &d) ||
      !(b & bit_AVX2)) {
    return Tier::portable;
  }
  constexpr unsigned kNeeded = bit_AVX512F | bit_AVX512VL | bit_AVX512BW | bit_AVX512DQ;
  const bool wide = (state & kZmmState) == kZmmState && (b & kNeeded) == kNeeded;
  return wide ? Tier::avx512 : Tier::avx2;
}

}  // namespace

Tier widest_tier() {
  static const Tier tier = detect();
  return tier;
}

const Kernels& kernels(Tier tier) {
  switch (tier) {
    case Tier::avx512: return avx512::table;
    case Tier::avx2: return avx2::table;
    default: return portable::table;
  }
}
#else
Tier widest_tier() { return Tier::portable; }

const Kernels& kernels(Tier) { return portable::table; }
#endif

const char* tier_name(Tier tier) {
  switch (tier) {
    case Tier::avx512: return "avx512";
    case Tier::avx2: return "avx2";
    default: return "portable";
  }
}

namespace {

Tier choose() {
  const char* cap = std::getenv("WISP_ISA");
  if (cap == nullptr || *cap == 0) return widest_tier();
  for (Tier tier : {Tier::portable, Tier::avx2, Tier::avx512}) {
    if (std::strcmp(cap, tier_name(tier)) == 0) return tier < widest_tier() ? tier : widest_tier();
  }
  throw BadArgument(std::string("WISP_ISA is '") + cap +
                    "'; it must be portable, avx2 or avx512");
}

}  // namespace

Tier active_tier() {
  static const Tier tier = choose();
  return tier;
}

const Kernels& kernels() {
  static const Kernels& active = kernels(active_tier());
  return active;
}

}  // namespace wisp
