/* Judges a kernel by its naive sibling and a float64 computation. */
#ifndef WISP_CUDA_TESTS_CHECK_H
#define WISP_CUDA_TESTS_CHECK_H

#include <random>
#include <string>
#include <vector>

using Floats = std::vector<float>;
using Doubles = std::vector<double>;
using Ints = std::vector<int>;

/* One generator for a whole run, so that a run can be repeated. */
std::mt19937& generator();

/* Uniform in [low, high). */
Floats uniform(size_t count, float low = -1, float high = 1);

/* Out of 0, 1/4, 2/4, 3/4: many are equal. */
Floats coarse(size_t count);

/*
 * Off from `exact` by at most twice what the naive sibling is plus two units in the last place of
 * the largest value, or of `scale` where larger values cancel on the way; NaN where `exact` is NaN.
 */
void expect_close(const std::string& what, const Floats& fast, const Floats& naive,
                  const Doubles& exact, double scale = 0);

/* Exactly 0 wherever `exact` is. */
void expect_zeros(const std::string& what, const Floats& got, const Doubles& exact);

/* Element by element, NaN equal to NaN. */
void expect_equal(const std::string& what, const Floats& got, const Floats& want);
void expect_equal(const std::string& what, const Ints& got, const Ints& want);

/* Every kernel of every PTX file in `folder` was launched by now; a file without any fails too. */
void expect_launched(const std::string& folder);

/* Prints the number of checks; returns how many failed. */
int report();

inline unsigned blocks(long long elements, long long per_block) {
  return static_cast<unsigned>((elements + per_block - 1) / per_block);
}

/* The families; each loads what it needs from `folder`. */
void check_pointwise(const std::string& folder);
void check_reductions(const std::string& folder);
void check_resize(const std::string& folder);
void check_norms(const std::string& folder);
void check_maps(const std::string& folder);
void check_optimizer(const std::string& folder);
void check_pooling(const std::string& folder);
void check_convolutions(const std::string& folder);
void check_pamr(const std::string& folder);
void check_seeds(const std::string& folder);
void check_structure(const std::string& folder);
void check_layouts(const std::string& folder);
void check_halves(const std::string& folder);
void check_segmentation(const std::string& folder);
void check_group_norms(const std::string& folder);
void check_paths(const std::string& folder);
void check_crf(const std::string& folder);

#endif
