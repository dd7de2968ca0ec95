/*
 * The C driver API, looked up at run time, and just what launching a kernel takes: whatever
 * libcuda.so.1 the dynamic linker finds, a driver or the software device.
 */
#ifndef WISP_CUDA_TESTS_DEVICE_H
#define WISP_CUDA_TESTS_DEVICE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using Pointer = unsigned long long;
constexpr Pointer kNull = 0;

struct Extent {
  unsigned x = 1, y = 1, z = 1;
};

/* Opens the driver and the first device. Ends the program with a message when that fails. */
void open_device();

/* Loads one PTX (or CUBIN) file; its kernels replace those of the file before. */
void load_module(const std::string& path);

/* Whether the file loaded last has it: some kernels exist for newer architectures only. */
bool has_kernel(const char* kernel);

/* The kernels (entry points) of a PTX file. */
std::vector<std::string> kernels_of(const std::string& path);

/* Whether a kernel of that name was launched since the program began. */
bool was_launched(const std::string& kernel);

Pointer allocate(size_t bytes);
void release(Pointer pointer);
void upload(Pointer to, const void* from, size_t bytes);
void download(void* to, Pointer from, size_t bytes);
void launch_kernel(const char* kernel, Extent grid, Extent block, void** parameters);

/* Launches with the parameters in their order, each of the very type the kernel's header names. */
template <class... P>
void launch(const char* kernel, Extent grid, Extent block, P... parameters) {
  void* addresses[] = {&parameters...};
  launch_kernel(kernel, grid, block, addresses);
}

/*
 * An array in device memory. `shift` elements lie before it, so that 1 makes a float array which no
 * 16-byte access may touch; it ends where its memory ends.
 */
template <class T>
class Array {
 public:
  /* Not initialised. */
  explicit Array(size_t size, size_t shift = 0)
      : size_(size), shift_(shift), memory_(allocate((size + shift) * sizeof(T))) {}

  explicit Array(const std::vector<T>& values, size_t shift = 0) : Array(values.size(), shift) {
    if (!values.empty()) upload(*this, values.data(), values.size() * sizeof(T));
  }

  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { release(memory_); }

  operator Pointer() const { return memory_ + shift_ * sizeof(T); }

  std::vector<T> host() const {
    std::vector<T> values(size_);
    if (size_ > 0) download(values.data(), *this, size_ * sizeof(T));
    return values;
  }

 private:
  size_t size_, shift_;
  Pointer memory_;
};

#endif
