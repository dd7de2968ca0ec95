package dev.wisp.backend.cuda;

/** What becomes of cuDNN's status codes. */
interface CudnnStatus {
  /**
   * Refuses a failed call.
   *
   * @param status what cuDNN returned
   * @param function of cuDNN
   * @param what it was to do
   */
  void check(int status, String function, String what);

  /**
   * For calls that give something back: a lost device refuses them, which no longer matters.
   *
   * @param status what cuDNN returned
   */
  void release(int status);
}
