package dev.wisp.golden;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.PathIndex;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The paths of both radii in the release's order. */
@Tag("golden")
class PathIndexGoldenTest {
  @Test
  void pathsComeInTheReleasesOrder() {
    GoldenFolder folder = GoldenSupport.open("irn_crf_deeplab");
    try (GoldenFile file = folder.file(GoldenSupport.stems(folder, "irn_train").getFirst())) {
      check(file, "path.", PathIndex.of(10));
      check(file, "path5.", PathIndex.of(5));
    }
  }

  private static void check(GoldenFile file, String name, PathIndex paths) {
    assertThat(paths.coordinates()).isEqualTo(file.ints(name + "coords"));
    int[] destinations = file.ints(name + "search_dst");
    int[] counts = file.ints(name + "count_by_length");
    assertThat(paths.count()).isEqualTo(destinations.length / 2);
    Map<Integer, Integer> byLength = new TreeMap<>();
    for (int path = 0; path < paths.count(); path++) {
      assertThat(paths.dy(paths.begin(path))).isEqualTo(destinations[2 * path]);
      assertThat(paths.dx(paths.begin(path))).isEqualTo(destinations[2 * path + 1]);
      byLength.merge(paths.begin(path + 1) - paths.begin(path), 1, Integer::sum);
    }
    Map<Integer, Integer> expected = new TreeMap<>();
    for (int i = 0; i < counts.length; i += 2) {
      expected.put(counts[i], counts[i + 1]);
    }
    assertThat(byLength).isEqualTo(expected);
  }

  @Test
  void sourcesAreThoseWhosePathsStayInTheMap() {
    GoldenFolder folder = GoldenSupport.open("irn_crf_deeplab");
    try (GoldenFile file = folder.file(GoldenSupport.stems(folder, "irn_train").getFirst())) {
      PathIndex paths = PathIndex.of(10);
      int[] sources = file.ints("path.src_indices");
      int side = 32;
      int columns = paths.sourceColumns(side);
      assertThat(sources).hasSize(paths.sourceRows(side) * columns);
      for (int i = 0; i < sources.length; i++) {
        assertThat(sources[i]).isEqualTo(i / columns * side + i % columns + paths.margin());
      }
    }
  }
}
