#include "abi.h"

using namespace wisp;

namespace {

constexpr int64_t kMostRadius = 64;

/* Paths begin at a destination in reach and stay in the box between it and the source. */
void check_paths(int64_t radius, const int32_t* offsets, const int32_t* coordinates,
                 int64_t paths) {
  require(radius >= 2 && radius <= kMostRadius, "the radius is out of range");
  require_pointers(offsets, coordinates);
  require(paths > 0 && offsets[0] == 0, "there are no paths");
  for (int64_t path = 0; path < paths; ++path) {
    require(offsets[path] < offsets[path + 1], "a path has no coordinate");
    const int32_t* destination = coordinates + 2 * static_cast<int64_t>(offsets[path]);
    const int32_t dy = destination[0], dx = destination[1];
    require(dy >= 0 && dy < radius && dx > -radius && dx < radius, "a path is too long");
    for (int64_t k = offsets[path]; k < offsets[path + 1]; ++k) {
      const int32_t y = coordinates[2 * k], x = coordinates[2 * k + 1];
      require(y >= 0 && y <= dy && x >= (dx < 0 ? dx : 0) && x <= (dx < 0 ? 0 : dx),
              "a coordinate leaves its path's box");
    }
  }
}

void check_crop(int64_t n, int64_t in_h, int64_t in_w, int64_t c, int64_t out_h, int64_t out_w,
                int64_t out_c, int64_t offset) {
  product({n, in_h, in_w, c});
  product({n, out_h, out_w, out_c});
  require(out_h <= in_h && out_w <= in_w, "the target is larger than the source");
  require(offset >= 0 && offset <= out_c - c, "the channels do not lie inside the target's");
}

}  // namespace

extern "C" {

int32_t wisp_group_norm_forward(const float* x, const float* gamma, const float* beta, float eps,
                                int32_t relu, float* y, float* mean, float* inv_std, int64_t n,
                                int64_t positions, int64_t c, int64_t groups) {
  return guarded("wisp_group_norm_forward", [&] {
    require_pointers(x, gamma, beta, y, mean, inv_std);
    require(product({n, positions, c}) > 0, "sizes are out of range");
    require(groups > 0 && c % groups == 0, "the groups do not divide the channels");
    kernels().group_norm_forward(x, gamma, beta, eps, relu, y, mean, inv_std, n, positions, c,
                                 groups);
  });
}

int32_t wisp_group_norm_backward(const float* x, const float* dy, const float* gamma,
                                 const float* mean, const float* inv_std, float* dx, float* dgamma,
                                 float* dbeta, int64_t n, int64_t positions, int64_t c,
                                 int64_t groups) {
  return guarded("wisp_group_norm_backward", [&] {
    require_pointers(x, dy, gamma, mean, inv_std, dx, dgamma, dbeta);
    require(product({n, positions, c}) > 0, "sizes are out of range");
    require(groups > 0 && c % groups == 0, "the groups do not divide the channels");
    kernels().group_norm_backward(x, dy, gamma, mean, inv_std, dx, dgamma, dbeta, n, positions, c,
                                  groups);
  });
}

int32_t wisp_crop(const float* source, float* target, int64_t n, int64_t in_h, int64_t in_w,
                  int64_t c, int64_t out_h, int64_t out_w, int64_t out_c, int64_t offset) {
  return guarded("wisp_crop", [&] {
    require_pointers(source, target);
    check_crop(n, in_h, in_w, c, out_h, out_w, out_c, offset);
    kernels().crop(source, target, n, in_h, in_w, c, out_h, out_w, out_c, offset);
  });
}

int32_t wisp_crop_backward(const float* d_target, float* d_source, int64_t n, int64_t in_h,
                           int64_t in_w, int64_t c, int64_t out_h, int64_t out_w, int64_t out_c,
                           int64_t offset) {
  return guarded("wisp_crop_backward", [&] {
    require_pointers(d_target, d_source);
    check_crop(n, in_h, in_w, c, out_h, out_w, out_c, offset);
    kernels().crop_backward(d_target, d_source, n, in_h, in_w, c, out_h, out_w, out_c, offset);
  });
}

int32_t wisp_sigmoid(const float* x, float scale, float* out, int64_t n) {
  return guarded("wisp_sigmoid", [&] {
    require_pointers(x, out);
    product({n});
    kernels().sigmoid(x, scale, out, n);
  });
}

int32_t wisp_sigmoid_backward(const float* y, const float* dy, float scale, float* dx, int64_t n) {
  return guarded("wisp_sigmoid_backward", [&] {
    require_pointers(y, dy, dx);
    product({n});
    kernels().sigmoid_backward(y, dy, scale, dx, n);
  });
}

int32_t wisp_pair_counts(const int32_t* label, int64_t n, int64_t h, int64_t w, int64_t radius,
                         const int32_t* path_offsets, const int32_t* path_coordinates,
                         int64_t paths, int32_t classes, float* counts) {
  return guarded("wisp_pair_counts", [&] {
    require_pointers(label, counts);
    product({n, h, w, 8});
    check_paths(radius, path_offsets, path_coordinates, paths);
    kernels().pair_counts(label, n, h, w, radius, path_offsets, path_coordinates, paths, classes,
                          counts);
  });
}

int32_t wisp_path_affinity_loss(const float* boundary, const int32_t* label, int64_t n, int64_t h,
                                int64_t w, int64_t radius, const int32_t* path_offsets,
                                const int32_t* path_coordinates, int64_t paths, int32_t classes,
                                const float* weights, float* losses, float* d_boundary) {
  return guarded("wisp_path_affinity_loss", [&] {
    require_pointers(boundary, label, weights, losses);
    product({n, h, w, 8});
    check_paths(radius, path_offsets, path_coordinates, paths);
    kernels().path_affinity_loss(boundary, label, n, h, w, radius, path_offsets, path_coordinates,
                                 paths, classes, weights, losses, d_boundary);
  });
}

int32_t wisp_displacement_loss(const float* displacement, const int32_t* label, int64_t n,
                               int64_t h, int64_t w, int64_t radius, const int32_t* path_offsets,
                               const int32_t* path_coordinates, int64_t paths, int32_t classes,
                               const float* weights, float* losses, float* d_displacement) {
  return guarded("wisp_displacement_loss", [&] {
    require_pointers(displacement, label, weights, losses);
    product({n, h, w, 8});
    check_paths(radius, path_offsets, path_coordinates, paths);
    kernels().displacement_loss(displacement, label, n, h, w, radius, path_offsets,
                                path_coordinates, paths, classes, weights, losses, d_displacement);
  });
}

int32_t wisp_random_walk(const float* boundary, const float* maps, int64_t c, int64_t h, int64_t w,
                         int64_t radius, const int32_t* path_offsets,
                         const int32_t* path_coordinates, int64_t paths, float beta, int64_t steps,
                         float* out) {
  return guarded("wisp_random_walk", [&] {
    require_pointers(boundary, maps, out);
    check_paths(radius, path_offsets, path_coordinates, paths);
    require(beta >= 0 && steps >= 0, "the power or the number of steps is negative");
    product({c, h, w});
    product({h + 2 * radius, w + 2 * radius + 16, paths + 16});
    kernels().random_walk(boundary, maps, c, h, w, radius, path_offsets, path_coordinates, paths,
                          beta, steps, out);
  });
}
}
