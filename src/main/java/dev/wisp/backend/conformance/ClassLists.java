package dev.wisp.backend.conformance;

import dev.wisp.backend.ClassRows;

/** The class lists that cases of maps run over. */
final class ClassLists {
  /** Takes a list of n images and K foreground classes. */
  interface Use {
    void use(String name, int n, int k, ClassRows classes);
  }

  private ClassLists() {}

  /** No class, one, several, all; one to three images; 1, 3, 20 and 80 classes. */
  static void each(Use use) {
    use.use("1 image, 1 class, present none", 1, 1, ClassRows.present(new int[1][0], 1));
    use.use("1 image, 1 class, present it", 1, 1, ClassRows.present(new int[][] {{1}}, 1));
    use.use("2 images, 3 classes, all", 2, 3, ClassRows.all(2, 3));
    use.use("2 images, 20 classes, present none", 2, 20, ClassRows.present(new int[2][0], 20));
    use.use(
        "3 images, 20 classes, present none, {20}, {3, 7, 19}",
        3,
        20,
        ClassRows.present(new int[][] {{}, {20}, {7, 3, 19}}, 20));
    use.use("1 image, 20 classes, all", 1, 20, ClassRows.all(1, 20));
    use.use(
        "2 images, 80 classes, present {1, 80}, {17}",
        2,
        80,
        ClassRows.present(new int[][] {{1, 80}, {17}}, 80));
    use.use("1 image, 80 classes, all", 1, 80, ClassRows.all(1, 80));
  }
}
