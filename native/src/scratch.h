/* Temporary memory of a kernel call: 64-byte aligned, contents undefined, freed at scope end. */
#ifndef WISP_SCRATCH_H
#define WISP_SCRATCH_H

#include <cstdint>

#ifndef WISP_TIER
#define WISP_TIER common
#endif

namespace wisp {

/* Throws std::bad_alloc; the C ABI turns it into WISP_OUT_OF_MEMORY. Any n >= 0. */
void* allocate_aligned(int64_t bytes);
void free_aligned(void* memory);

namespace WISP_TIER {

template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t n) : data_(static_cast<T*>(allocate_aligned(n * (int64_t)sizeof(T)))) {}
  ~Scratch() { free_aligned(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* get() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  T* data_;
};

}  // namespace WISP_TIER
}  // namespace wisp

#endif
