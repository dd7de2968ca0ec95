package dev.wisp.backend.cpu;

/** Names of oneDNN's status codes, for messages. */
final class DnnlStatus {
  private static final String[] NAMES = {
    "success",
    "out of memory",
    "invalid arguments",
    "unimplemented",
    "last implementation reached",
    "runtime error",
    "not required"
  };

  private DnnlStatus() {}

  static String name(int status) {
    return status >= 0 && status < NAMES.length ? NAMES[status] : "status " + status;
  }
}
