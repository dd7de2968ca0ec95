/* What the functions of the C ABI share: argument checks, and exceptions turned into a status. */
#ifndef WISP_ABI_H
#define WISP_ABI_H

#include <initializer_list>
#include <new>
#include <stdexcept>
#include <string>

#include "isa.h"
#include "wisp.h"

namespace wisp {

struct BadArgument : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/* Remembers a failure's text for the calling thread. */
int32_t fail(int32_t status, const char* function, const char* what) noexcept;

inline void require(bool holds, const char* what) {
  if (!holds) throw BadArgument(what);
}

template <class... Types>
void require_pointers(const Types*... pointers) {
  require(((pointers != nullptr) && ...), "a required pointer is null");
}

/* Product of sizes; each must be at least 0 and the product must fit 2^60. */
int64_t product(std::initializer_list<int64_t> sizes);

/* Runs the body of an ABI function: no exception leaves the library. */
template <class Body>
int32_t guarded(const char* function, const Body& body) noexcept {
  try {
    body();
    return WISP_OK;
  } catch (const BadArgument& error) {
    return fail(WISP_BAD_ARGUMENT, function, error.what());
  } catch (const std::bad_alloc&) {
    return fail(WISP_OUT_OF_MEMORY, function, "no memory for working space");
  } catch (const std::exception& error) {
    return fail(WISP_FAILED, function, error.what());
  } catch (...) {
    return fail(WISP_FAILED, function, "unknown exception");
  }
}

}  // namespace wisp

#endif
