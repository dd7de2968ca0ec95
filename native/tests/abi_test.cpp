#include <cstring>
#include <string>
#include <vector>

#include "harness.h"
#include "isa.h"
#include "wisp.h"

namespace wisp_tests {
namespace {

void expect_refused(int32_t status, const char* function) {
  expect(status == WISP_BAD_ARGUMENT, std::string(function) + " accepts a bad argument");
  expect(std::strncmp(wisp_error_message(), function, std::strlen(function)) == 0,
         std::string("the message does not name ") + function);
}

Check refusals("abi_refuses_bad_arguments", [] {
  float x[4] = {}, y[4] = {};
  int32_t offsets[2] = {0, 1}, ids[1] = {7}, index[4] = {};
  int64_t sizes[1] = {-1};
  const float* arrays[1] = {x};
  expect_refused(wisp_fill(nullptr, 1, 4), "wisp_fill");
  expect_refused(wisp_fill(x, 1, -1), "wisp_fill");
  expect_refused(wisp_relu(x, nullptr, 4), "wisp_relu");
  expect_refused(wisp_relu_backward(x, nullptr, nullptr, y, 4), "wisp_relu_backward");
  expect_refused(wisp_spatial_mean(x, y, 1, 0, 4), "wisp_spatial_mean");
  expect_refused(wisp_l2_normalize(x, 1, y, y, INT64_MAX, 3), "wisp_l2_normalize");
  expect_refused(wisp_resize_bilinear(x, y, 1, 2, 2, 1, 2, 2, 1, 1, 0), "wisp_resize_bilinear");
  expect_refused(wisp_resize_bilinear(x, y, 1, 0, 2, 1, 2, 2, 1, 0, 0), "wisp_resize_bilinear");
  expect_refused(wisp_argmax_maps(x, offsets, ids, 1, index, 1, 4, 2), "wisp_argmax_maps");
  expect_refused(wisp_limit_seeds(x, offsets, ids, 1, index, 1, 4, 2), "wisp_limit_seeds");
  expect_refused(wisp_cam_to_maps(x, nullptr, offsets, ids, 1, y, index, index, 1, 1, 4, 1),
                 "wisp_cam_to_maps");
  expect_refused(wisp_gradient_norm(arrays, sizes, 1, y), "wisp_gradient_norm");
  expect_refused(wisp_scale(x, nullptr, 4), "wisp_scale");
  expect_refused(wisp_update_loss_scale(x, y, 0), "wisp_update_loss_scale");
  expect_refused(wisp_update_loss_scale(x, y, (1 << 24) + 1), "wisp_update_loss_scale");
  expect_refused(wisp_max_pool(x, y, nullptr, 1, INT32_MAX, 2, 1), "wisp_max_pool");
  expect_refused(wisp_batch_norm_update(x, x, 1, 1, 1, y, y, 4), "wisp_batch_norm_update");
  expect_refused(wisp_set_threads(0), "wisp_set_threads");
  expect_refused(wisp_alloc(-1, nullptr), "wisp_alloc");
});

Check memory("alloc_aligns_and_reports_exhaustion", [] {
  for (int64_t bytes : {int64_t(0), int64_t(1), int64_t(65), int64_t(1) << 20}) {
    void* memory = nullptr;
    expect(wisp_alloc(bytes, &memory) == WISP_OK && memory != nullptr, "no memory");
    expect(reinterpret_cast<uintptr_t>(memory) % 64 == 0, "memory is not aligned to 64 bytes");
    wisp_free(memory);
  }
  void* memory = nullptr;
  expect(wisp_alloc(INT64_MAX, &memory) == WISP_OUT_OF_MEMORY, "an absurd size is not refused");
  wisp_free(nullptr);
});

Check tiers("the_tier_can_be_asked", [] {
  const char* name = nullptr;
  expect(wisp_isa(&name) == WISP_OK && name != nullptr, "no name");
  expect(std::string(name) == wisp::tier_name(wisp::active_tier()), "another name");
  expect(wisp_abi() == WISP_ABI, "another ABI number");
});

}  // namespace
}  // namespace wisp_tests
