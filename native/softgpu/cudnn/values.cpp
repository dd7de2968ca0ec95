#include "values.h"

#include <algorithm>
#include <cmath>

#include "exec/half.h"
#include "softgpu.h"

namespace softcudnn {
namespace {

struct Axis {
  int64_t size, stride;
};

/* The axes but those of one element, outermost first. */
std::vector<Axis> axes(const cudnnTensorStruct& t) {
  std::vector<Axis> all;
  for (size_t i = 0; i < 4; ++i)
    if (t.dims[i] > 1) all.push_back({t.dims[i], t.strides[i]});
  std::stable_sort(all.begin(), all.end(), [](const Axis& a, const Axis& b) { return a.stride > b.stride; });
  return all;
}

/* Checks every stretch of elements that lie side by side; the place of the first element. */
uint8_t* check(const Operand& o, int access) {
  const size_t bytes = element_bytes(o.tensor);
  std::vector<Axis> outer = axes(o.tensor);
  int64_t run = 1;
  while (!outer.empty() && outer.back().stride == run) {
    run *= outer.back().size;
    outer.pop_back();
  }
  void* first = nullptr;
  std::vector<int64_t> at(outer.size());
  for (;;) {
    int64_t offset = 0;
    for (size_t i = 0; i < outer.size(); ++i) offset += at[i] * outer[i].stride;
    void* host = nullptr;
    const int code = softgpu_memory(o.address + static_cast<uint64_t>(offset) * bytes,
                                    static_cast<size_t>(run) * bytes, access, o.what, &host);
    if (code) throw DeviceFault{code};
    if (!first) first = host;
    size_t i = outer.size();
    while (i > 0 && ++at[i - 1] == outer[i - 1].size) at[--i] = 0;
    if (i == 0) return static_cast<uint8_t*>(first);
  }
}

/* f(index in the order n, h, w, c, offset in elements) */
template <class F>
void each(const cudnnTensorStruct& t, F f) {
  const auto [n, c, h, w] = t.dims;
  const auto [sn, sc, sh, sw] = t.strides;
  size_t index = 0;
  for (int64_t in = 0; in < n; ++in)
    for (int64_t ih = 0; ih < h; ++ih)
      for (int64_t iw = 0; iw < w; ++iw) {
        const int64_t offset = in * sn + ih * sh + iw * sw;
        for (int64_t ic = 0; ic < c; ++ic) f(index++, offset + ic * sc);
      }
}

uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* A float next to a value that no float is: the one below or above, the nearer one more often. */
float either(double value, uint64_t random) {
  const float near = static_cast<float>(value);
  if (near == value || !std::isfinite(near)) return near;
  const float other = std::nextafterf(near, value > near ? INFINITY : -INFINITY);
  const double gap = std::fabs(static_cast<double>(other) - near);
  const double share = std::fabs(value - near) / gap; /* up to a half */
  return static_cast<double>(mix(random) >> 11) * 0x1p-53 < share ? other : near;
}

uint16_t half(double value) { return softgpu::to_half(softgpu::to_odd(value)); }

}  // namespace

size_t span_bytes(const cudnnTensorStruct& t) {
  size_t last = 0;
  for (size_t i = 0; i < 4; ++i) last += static_cast<size_t>(t.dims[i] - 1) * static_cast<size_t>(t.strides[i]);
  return (last + 1) * element_bytes(t);
}

bool is_packed(const cudnnTensorStruct& t, cudnnTensorFormat_t format) {
  const size_t order[2][4] = {{3, 2, 1, 0}, {1, 3, 2, 0}}; /* innermost first */
  int64_t stride = 1;
  for (const size_t i : order[format]) {
    if (t.dims[i] > 1 && t.strides[i] != stride) return false;
    stride *= t.dims[i];
  }
  return true;
}

Operand operand(const cudnnTensorStruct& t, const void* address, const char* what, size_t align) {
  require(address, std::string(what) + " is null", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  const auto bits = reinterpret_cast<uint64_t>(address);
  require(bits % align == 0, std::string(what) + " is not aligned to " + std::to_string(align) + " bytes",
          CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  return {t, bits, what};
}

void require_apart(const Operand& a, const Operand& b) {
  require(a.address + span_bytes(a.tensor) <= b.address || b.address + span_bytes(b.tensor) <= a.address,
          std::string(a.what) + " and " + b.what + " share memory");
}

Values load(const Operand& source) {
  const uint8_t* const host = check(source, SOFTGPU_READ);
  Values values(count(source.tensor));
  if (source.tensor.type == CUDNN_DATA_HALF) {
    const auto* const from = reinterpret_cast<const uint16_t*>(host);
    each(source.tensor, [&](size_t i, int64_t offset) { values[i] = softgpu::from_half(from[offset]); });
  } else {
    const auto* const from = reinterpret_cast<const float*>(host);
    each(source.tensor, [&](size_t i, int64_t offset) { values[i] = from[offset]; });
  }
  return values;
}

void store(const Operand& target, const Values& values, Rounding rounding) {
  uint8_t* const host = check(target, SOFTGPU_WRITE);
  const auto value = [&](size_t i) {
    return rounding.exact ? values[i] : either(values[i], rounding.seed + i * 0x9e3779b97f4a7c15u);
  };
  if (target.tensor.type == CUDNN_DATA_HALF) {
    auto* const to = reinterpret_cast<uint16_t*>(host);
    each(target.tensor, [&](size_t i, int64_t offset) { to[offset] = half(value(i)); });
  } else {
    auto* const to = reinterpret_cast<float*>(host);
    each(target.tensor, [&](size_t i, int64_t offset) { to[offset] = static_cast<float>(value(i)); });
  }
}

void touch(const Operand& operand, int access) { check(operand, access); }

double factor(const void* pointer, const char* what) {
  require(pointer, std::string(what) + " is null", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  return *static_cast<const float*>(pointer);
}

}  // namespace softcudnn
