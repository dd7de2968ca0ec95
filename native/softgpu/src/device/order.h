/*
 * Which work comes before which: every stream has a clock that says how far of each other stream its
 * next work is known to come behind, joined by events and by the host's waiting. Two uses of an
 * allocation, one of which writes, must be ordered; by whole allocations, whatever their bytes.
 */
#ifndef SOFTGPU_DEVICE_ORDER_H
#define SOFTGPU_DEVICE_ORDER_H

#include <cstdint>
#include <map>
#include <string>

namespace softgpu {

/* For each stream (by its id) the number of its last piece of work that lies behind. */
class Clock {
 public:
  uint64_t of(uint64_t stream) const;
  uint64_t advance(uint64_t stream) { return ++last_[stream]; }
  void join(const Clock& other);

 private:
  std::map<uint64_t, uint64_t> last_;
};

/* A piece of work on a stream. */
struct Turn {
  uint64_t id = 0; /* unique in the process */
  uint64_t stream = 0, number = 0;
  const Clock* clock = nullptr; /* of its stream, the piece included */
};

/* The last uses of an allocation. */
struct Uses {
  struct Write {
    uint64_t stream = 0, number = 0;
  } written;
  std::map<uint64_t, uint64_t> read; /* since then: by stream the last piece of work */
};

/* Notes a use. Empty; or what it is not ordered with, and then nothing is noted. From any thread. */
std::string note_use(Uses& uses, const Turn& turn, bool writes);

}  // namespace softgpu

#endif
