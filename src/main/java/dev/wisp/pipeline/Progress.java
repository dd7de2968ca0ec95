package dev.wisp.pipeline;

/** Who wants to see how far a long task is; the library itself prints nothing. */
public interface Progress {
  /** Sees nothing. */
  Progress NONE =
      new Progress() {
        @Override
        public void begin(String task, long done, long total) {}

        @Override
        public void advance(long done, String note) {}

        @Override
        public void end() {}
      };

  /**
   * A task begins.
   *
   * @param task what it is, for people
   * @param done images that an earlier, interrupted attempt has done
   * @param total images to do in all
   */
  void begin(String task, long done, long total);

  /**
   * Some more is done.
   *
   * @param done images so far
   * @param note a few words, such as the loss
   */
  void advance(long done, String note);

  /** The task ends, well or not. */
  void end();
}
