/* cuMemcpy* and cuMemset*. Asynchronous calls do their work at once, or record it under capture; copies
   from and to pinned host memory are begun late (Late). */
#include <cstring>

#include "api/copy.h"
#include "api/graph.h"
#include "api/pool.h"
#include "api/state.h"

using namespace softgpu;

namespace {

uint64_t bits(const void* p) { return reinterpret_cast<uint64_t>(p); }

/* Notes what the present work uses, where that is device memory. */
void use(Context& context, uint64_t address, bool writes) {
  if (Allocation* a = find_allocation(address)) use_memory(context, *a, writes);
}

/* A synchronous call: on the default stream, waited for. */
CUresult now(const char* function, const std::function<void(Context&)>& work) {
  return enter(
      [&] {
        Context& context = current();
        refuse_under_capture(context);
        submit(*context.default_stream, kNodeMemcpy, [&] { work(context); });
        wait_for(*context.default_stream);
      },
      function);
}

CUresult copy_now(uint64_t to, Side to_side, uint64_t from, Side from_side, size_t bytes,
                  const char* function = __builtin_FUNCTION()) {
  return now(function, [&](Context& context) {
    check_copy(to, to_side, from, from_side, bytes);
    use(context, from, false);
    use(context, to, true);
    copy_bytes(to, to_side, from, from_side, bytes);
  });
}

bool is_pinned(uint64_t address) {
  const auto& ranges = Driver::get().host_ranges;
  auto range = ranges.upper_bound(address);
  if (range == ranges.begin()) return false;
  --range;
  return address - range->first < range->second.bytes;
}

/* Host memory that is copied to looks so until the copy is done. */
constexpr int kNotYetCopied = 0xa5;

CUresult copy_on(CUstream stream, uint64_t to, Side to_side, uint64_t from, Side from_side, size_t bytes,
                 const char* function = __builtin_FUNCTION()) {
  return enter(
      [&] {
        Stream& s = stream_of(stream);
        check_copy(to, to_side, from, from_side, bytes);
        const auto uses = [=, &context = *s.context] {
          use(context, from, false);
          use(context, to, true);
        };
        const auto copy = [=] { copy_bytes(to, to_side, from, from_side, bytes); };
        const bool downwards = is_pinned(from) && owner_of(to), upwards = is_pinned(to) && owner_of(from);
        if (s.capture || !(downwards || upwards)) {
          submit(s, kNodeMemcpy, [=] {
            uses();
            copy();
          });
          return;
        }
        const Working turn(s);
        uses();
        if (upwards) std::memset(reinterpret_cast<void*>(to), kNotYetCopied, bytes);
        s.late->add(copy);
      },
      function);
}

CUresult fill_now(uint64_t address, uint32_t value, unsigned width, size_t count,
                  const char* function = __builtin_FUNCTION()) {
  return now(function, [&](Context& context) {
    check_fill(address, width, count);
    use(context, address, true);
    fill(address, value, width, count);
  });
}

CUresult fill_on(CUstream stream, uint64_t address, uint32_t value, unsigned width, size_t count,
                 const char* function = __builtin_FUNCTION()) {
  return enter(
      [&] {
        Stream& s = stream_of(stream);
        check_fill(address, width, count);
        submit(s, kNodeMemset, [=, &context = *s.context] {
          use(context, address, true);
          fill(address, value, width, count);
        });
      },
      function);
}

/* Rows of a pitched area. */
void fill_rows(Context& context, uint64_t address, size_t pitch, uint32_t value, unsigned width, size_t columns,
               size_t rows) {
  require(rows <= 1 || pitch >= columns * width);
  use(context, address, true);
  for (size_t r = 0; r < rows; ++r) fill(address + r * pitch, value, width, columns);
}

struct Memcpy2D { /* CUDA_MEMCPY2D */
  size_t src_x, src_y;
  unsigned src_type;
  const void* src_host;
  CUdeviceptr src_device;
  void* src_array;
  size_t src_pitch, dst_x, dst_y;
  unsigned dst_type;
  void* dst_host;
  CUdeviceptr dst_device;
  void* dst_array;
  size_t dst_pitch, width, height;
};

void copy_rows(Context& context, const Memcpy2D& c) {
  auto side = [](unsigned type) {
    require(type == 1 || type == 2 || type == 4, CUDA_ERROR_NOT_SUPPORTED);
    return type == 1 ? Side::host : type == 2 ? Side::device : Side::either;
  };
  const Side from_side = side(c.src_type), to_side = side(c.dst_type);
  const uint64_t from = (c.src_type == 1 ? bits(c.src_host) : c.src_device) + c.src_y * c.src_pitch + c.src_x;
  const uint64_t to = (c.dst_type == 1 ? bits(c.dst_host) : c.dst_device) + c.dst_y * c.dst_pitch + c.dst_x;
  use(context, from, false);
  use(context, to, true);
  for (size_t r = 0; r < c.height; ++r)
    copy_bytes(to + r * c.dst_pitch, to_side, from + r * c.src_pitch, from_side, c.width);
}

}  // namespace

SOFTGPU_API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  return copy_now(to, Side::device, bits(from), Side::host, bytes);
}
SOFTGPU_API CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  return copy_now(bits(to), Side::host, from, Side::device, bytes);
}
SOFTGPU_API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return copy_now(to, Side::device, from, Side::device, bytes);
}
SOFTGPU_API CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return copy_now(to, Side::either, from, Side::either, bytes);
}
SOFTGPU_API CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes) {
  return copy_now(to, Side::device, from, Side::device, bytes);
}
SOFTGPU_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  return copy_on(stream, to, Side::device, bits(from), Side::host, bytes);
}
SOFTGPU_API CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copy_on(stream, bits(to), Side::host, from, Side::device, bytes);
}
SOFTGPU_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copy_on(stream, to, Side::device, from, Side::device, bytes);
}
SOFTGPU_API CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copy_on(stream, to, Side::either, from, Side::either, bytes);
}
SOFTGPU_API CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes,
                                       CUstream stream) {
  return copy_on(stream, to, Side::device, from, Side::device, bytes);
}

SOFTGPU_API CUresult cuMemcpy2D_v2(const Memcpy2D* copy) {
  if (!copy) return CUDA_ERROR_INVALID_VALUE;
  return now(__func__, [&](Context& context) { copy_rows(context, *copy); });
}
SOFTGPU_API CUresult cuMemcpy2DUnaligned_v2(const Memcpy2D* copy) { return cuMemcpy2D_v2(copy); }
SOFTGPU_API CUresult cuMemcpy2DAsync_v2(const Memcpy2D* copy, CUstream stream) {
  return enter([&] {
    require(copy);
    Stream& s = stream_of(stream);
    submit(s, kNodeMemcpy, [c = *copy, &context = *s.context] { copy_rows(context, c); });
  });
}

SOFTGPU_API CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  return fill_now(to, value, 1, count);
}
SOFTGPU_API CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
  return fill_now(to, value, 2, count);
}
SOFTGPU_API CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  return fill_now(to, value, 4, count);
}
SOFTGPU_API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  return fill_on(stream, to, value, 1, count);
}
SOFTGPU_API CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
  return fill_on(stream, to, value, 2, count);
}
SOFTGPU_API CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
  return fill_on(stream, to, value, 4, count);
}

#define FILL_2D(name, type, bytes)                                                                    \
  SOFTGPU_API CUresult name##_v2(CUdeviceptr to, size_t pitch, type value, size_t width, size_t height) { \
    return now(__func__, [&](Context& context) { fill_rows(context, to, pitch, value, bytes, width, height); }); \
  }                                                                                                   \
  SOFTGPU_API CUresult name##Async(CUdeviceptr to, size_t pitch, type value, size_t width,            \
                                   size_t height, CUstream stream) {                                  \
    return enter([&] {                                                                                \
      Stream& s = stream_of(stream);                                                                  \
      submit(s, kNodeMemset, [=, &context = *s.context] {                                             \
        fill_rows(context, to, pitch, value, bytes, width, height);                                   \
      });                                                                                             \
    });                                                                                               \
  }
FILL_2D(cuMemsetD2D8, unsigned char, 1)
FILL_2D(cuMemsetD2D16, unsigned short, 2)
FILL_2D(cuMemsetD2D32, unsigned, 4)
