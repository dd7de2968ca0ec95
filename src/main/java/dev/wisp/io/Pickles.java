package dev.wisp.io;

import java.io.IOException;
import java.util.List;

/** What the pickle reader builds and who decides what may be built. */
final class Pickles {
  private Pickles() {}

  /** Python's None. */
  static final Object NONE =
      new Object() {
        @Override
        public String toString() {
          return "None";
        }
      };

  /** A tuple. */
  record Tuple(List<Object> items) {
    Object at(int index) throws PickleException {
      if (index >= items.size()) {
        throw new PickleException("a tuple is too short");
      }
      return items.get(index);
    }

    int size() {
      return items.size();
    }
  }

  /** A pickle that is malformed or asks for something that is not allowed; the text is one line. */
  static final class PickleException extends IOException {
    private static final long serialVersionUID = 1L;

    PickleException(String message) {
      super(message);
    }

    static PickleException refused(String what) {
      return new PickleException(
          "refused: the pickle asks for "
              + what
              + ", which a file of tensors does not need; nothing of it was run");
    }
  }

  /**
   * The only things that a pickle can make happen. Whatever is not allowed throws {@link
   * PickleException#refused}. Nothing is looked up by name in the running program.
   */
  interface Maker {
    /** What stands for a Python global that is allowed. */
    Object global(String module, String name) throws PickleException;

    /** What a call of an allowed global gives. */
    Object call(Object callable, Tuple arguments, Budget budget) throws PickleException;

    /** Sets an object's state. */
    void build(Object target, Object state) throws PickleException;

    /** What stands for a persistent id. */
    Object persistent(Object id) throws PickleException;
  }

  /** Keeps a small file from making large copies over and over. */
  static final class Budget {
    private long left;

    Budget(long bytes) {
      left = bytes;
    }

    void spend(long bytes) throws PickleException {
      left -= bytes;
      if (left < 0) {
        throw new PickleException("malformed pickle: it unfolds to far more than it holds");
      }
    }
  }

  static long integer(Object value) throws PickleException {
    if (value instanceof Long number) {
      return number;
    }
    throw new PickleException("malformed pickle: a whole number is expected");
  }

  static String string(Object value) throws PickleException {
    if (value instanceof String text) {
      return text;
    }
    throw new PickleException("malformed pickle: a string is expected");
  }

  static Tuple tuple(Object value) throws PickleException {
    if (value instanceof Tuple tuple) {
      return tuple;
    }
    throw new PickleException("malformed pickle: a tuple is expected");
  }

  /** A tuple of whole numbers that are not negative: a shape or strides. */
  static long[] sizes(Object value) throws PickleException {
    Tuple tuple = tuple(value);
    if (tuple.size() > 32) {
      throw new PickleException("malformed pickle: more than 32 dimensions");
    }
    long[] sizes = new long[tuple.size()];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = integer(tuple.at(i));
      if (sizes[i] < 0) {
        throw new PickleException("malformed pickle: a negative size or stride");
      }
    }
    return sizes;
  }
}
