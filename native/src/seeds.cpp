#include "abi.h"
#include "rows.h"

using namespace wisp;

namespace {

/* Positions are counted in 32 bits by kernels that sort them. */
void check_features(const void* feature, int64_t n, int64_t positions, int64_t d) {
  require(feature != nullptr, "needs feature");
  product({n, positions, d});
  require(positions <= INT32_MAX, "more positions than fit 32 bits");
}

}  // namespace

extern "C" {

int32_t wisp_structure_seeds(const float* feature, int64_t n, int64_t positions, int64_t d,
                             const float* maps, const int32_t* offsets, const int32_t* ids,
                             const int32_t* present_offsets, const int32_t* present_ids,
                             int32_t total, const float* valid, float eps, int32_t* seeds,
                             float* iou) {
  return guarded("wisp_structure_seeds", [&] {
    check_features(feature, n, positions, d);
    require(maps != nullptr && seeds != nullptr, "needs maps and seeds");
    check_rows(n, offsets, ids, total);
    check_rows(n, present_offsets, present_ids, total);
    kernels().structure_seeds(feature, n, positions, d, maps, offsets, ids, present_offsets,
                              present_ids, total, valid, eps, seeds, iou);
  });
}

int32_t wisp_prototypes(const float* feature, int64_t n, int64_t positions, int64_t d,
                        const int32_t* seeds, const int32_t* offsets, const int32_t* ids,
                        int32_t total, float* prototypes) {
  return guarded("wisp_prototypes", [&] {
    check_features(feature, n, positions, d);
    require(seeds != nullptr && prototypes != nullptr, "needs seeds and prototypes");
    check_rows(n, offsets, ids, total);
    kernels().prototypes(feature, n, positions, d, seeds, offsets, ids, total, prototypes);
  });
}

int32_t wisp_prototypes_backward(const float* d_prototypes, int64_t n, int64_t positions,
                                 int64_t d, const int32_t* seeds, const int32_t* offsets,
                                 const int32_t* ids, int32_t total, float* d_feature) {
  return guarded("wisp_prototypes_backward", [&] {
    check_features(d_feature, n, positions, d);
    require(seeds != nullptr && d_prototypes != nullptr, "needs seeds and d_prototypes");
    check_rows(n, offsets, ids, total);
    kernels().prototypes_backward(d_prototypes, n, positions, d, seeds, offsets, ids, total,
                                  d_feature);
  });
}

int32_t wisp_reactivate(const float* feature, int64_t n, int64_t positions, int64_t d,
                        const float* prototypes, const int32_t* offsets, float* feature_norms,
                        float* prototype_norms, float* maps) {
  return guarded("wisp_reactivate", [&] {
    check_features(feature, n, positions, d);
    require(prototypes != nullptr && feature_norms != nullptr && prototype_norms != nullptr &&
                maps != nullptr,
            "needs prototypes, feature_norms, prototype_norms and maps");
    check_offsets(n, offsets);
    kernels().reactivate(feature, n, positions, d, prototypes, offsets, feature_norms,
                         prototype_norms, maps);
  });
}

int32_t wisp_reactivate_backward(const float* feature, int64_t n, int64_t positions, int64_t d,
                                 const float* prototypes, const int32_t* offsets,
                                 const float* feature_norms, const float* prototype_norms,
                                 const float* maps, const float* d_maps, float* d_feature,
                                 float* d_prototypes) {
  return guarded("wisp_reactivate_backward", [&] {
    check_features(feature, n, positions, d);
    require(prototypes != nullptr && feature_norms != nullptr && prototype_norms != nullptr &&
                maps != nullptr && d_maps != nullptr && d_feature != nullptr &&
                d_prototypes != nullptr,
            "needs every operand");
    check_offsets(n, offsets);
    kernels().reactivate_backward(feature, n, positions, d, prototypes, offsets, feature_norms,
                                  prototype_norms, maps, d_maps, d_feature, d_prototypes);
  });
}
}
