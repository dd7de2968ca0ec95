/*
 * The dense CRF of a photograph and its label image with the paper's options (10 steps, deviations
 * 3 and 50, colours 5, weights 3 and 10): best wall and processor time of 9 calls, and the process's
 * peak memory.
 *
 *     cmake --build BUILD --target wisp_time_crf
 *     BUILD/wisp_time_crf PHOTO.ppm LABELS.pgm [THREADS]
 *
 * Both files are binary (P6, P5) and of one size; a grey value is a class. The energies are those of
 * labels that are right with probability 0.7.
 */
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "measure.h"
#include "wisp.h"

namespace {

constexpr int64_t kSteps = 10;
constexpr float kCertainty = 0.7f;
constexpr int kCalls = 9;

struct Picture {
  int64_t height = 0, width = 0;
  std::vector<unsigned char> values;
};

/* A binary PPM or PGM of 8 bits without comments; ends the program with a line if it is none. */
Picture read(const char* path, char kind, int channels) {
  Picture picture;
  std::FILE* file = std::fopen(path, "rb");
  char magic = 0;
  long height = 0, width = 0, most = 0;
  const bool header = file != nullptr &&
                      std::fscanf(file, "P%c %ld %ld %ld", &magic, &width, &height, &most) == 4 &&
                      magic == kind && width > 0 && height > 0 && most == 255 &&
                      std::fgetc(file) != EOF;
  if (header) {
    picture.height = height;
    picture.width = width;
    picture.values.resize(static_cast<size_t>(height * width * channels));
  }
  if (!header || std::fread(picture.values.data(), 1, picture.values.size(), file) !=
                     picture.values.size()) {
    std::fprintf(stderr, "%s: not a binary P%c file of 8 bits\n", path, kind);
    std::exit(2);
  }
  std::fclose(file);
  return picture;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: wisp_time_crf PHOTO.ppm LABELS.pgm [THREADS]\n");
    return 2;
  }
  const int threads = count > 3 ? std::atoi(arguments[3]) : wisp_threads();
  const char* isa = "";
  if (wisp_isa(&isa) != WISP_OK || wisp_set_threads(threads) != WISP_OK) {
    std::fprintf(stderr, "%s\n", wisp_error_message());
    return 2;
  }
  const Picture photo = read(arguments[1], '6', 3);
  const Picture labels = read(arguments[2], '5', 1);
  if (photo.height != labels.height || photo.width != labels.width) {
    std::fprintf(stderr, "%s: not the size of %s\n", arguments[2], arguments[1]);
    return 2;
  }
  std::vector<unsigned char> classes = labels.values;
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  const size_t pixels = labels.values.size();
  const float other = -std::log((1 - kCertainty) / static_cast<float>(classes.size() - 1));
  std::vector<float> unary(classes.size() * pixels, other);
  for (size_t c = 0; c < classes.size(); ++c)
    for (size_t p = 0; p < pixels; ++p)
      if (labels.values[p] == classes[c]) unary[c * pixels + p] = -std::log(kCertainty);
  const std::vector<float> image(photo.values.begin(), photo.values.end());
  std::vector<float> q(unary.size());
  const long before = peak_kilobytes();
  const auto compute = [&] {
    return wisp_dense_crf(unary.data(), image.data(), static_cast<int64_t>(classes.size()),
                          photo.height, photo.width, kSteps, 3, 3, 50, 5, 10,
                          q.data()) == WISP_OK;
  };
  Best best;
  if (!best_of(kCalls, compute, &best)) {
    std::fprintf(stderr, "%s\n", wisp_error_message());
    return 1;
  }
  std::printf(
      "%s, %d threads, %ldx%ld, %zu labels: %.0f ms wall, %.0f ms processor; peak %ld kB, before "
      "it %ld kB\n",
      isa, threads, static_cast<long>(photo.height), static_cast<long>(photo.width),
      classes.size(), best.wall * 1e3, best.processor * 1e3, peak_kilobytes(), before);
  return 0;
}
