/*
 * Launches kernels of cuda/ from what their headers say, through the C driver API alone, on sizes
 * that fit no block, and judges them by their naive siblings and a float64 computation.
 *
 *   kernels FOLDER [FAMILY...]
 *
 * FOLDER holds one PTX file for each cuda/NAME.cu, compiled with --fmad=false. Without a FAMILY all
 * run, and a kernel that none of them launched is a failure.
 */
#include <algorithm>
#include <cstdio>

#include "check.h"
#include "device.h"

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [FAMILY...]\n", arguments[0]);
    return 2;
  }
  const struct {
    const char* name;
    void (*run)(const std::string&);
  } families[] = {
      {"pointwise", check_pointwise}, {"reductions", check_reductions},
      {"resize", check_resize},       {"norms", check_norms},
      {"maps", check_maps},           {"optimizer", check_optimizer},
      {"pooling", check_pooling},     {"convolutions", check_convolutions},
      {"pamr", check_pamr},           {"seeds", check_seeds},
      {"structure", check_structure},   {"layouts", check_layouts},
      {"halves", check_halves},
      {"segmentation", check_segmentation}, {"group_norms", check_group_norms},
      {"paths", check_paths},             {"crf", check_crf},
  };
  open_device();
  for (const auto& family : families) {
    const bool wanted =
        count == 2 || std::any_of(arguments + 2, arguments + count, [&](const char* name) {
          return std::string(name) == family.name;
        });
    if (!wanted) continue;
    std::printf("%s\n", family.name);
    family.run(arguments[1]);
  }
  if (count == 2) expect_launched(arguments[1]);
  return report() == 0 ? 0 : 1;
}
