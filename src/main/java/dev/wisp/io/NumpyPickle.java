package dev.wisp.io;

import dev.wisp.io.Pickles.Budget;
import dev.wisp.io.Pickles.Maker;
import dev.wisp.io.Pickles.PickleException;
import dev.wisp.io.Pickles.Tuple;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a pickle of NumPy arrays may make: arrays of numbers, and one object array around them. */
final class NumpyPickle implements Maker {
  private enum Callable {
    RECONSTRUCT,
    NDARRAY,
    DTYPE,
    ENCODE
  }

  private static final Map<String, Callable> ALLOWED =
      Map.of(
          "numpy.core.multiarray._reconstruct", Callable.RECONSTRUCT,
          "numpy._core.multiarray._reconstruct", Callable.RECONSTRUCT,
          "numpy.ndarray", Callable.NDARRAY,
          "numpy.dtype", Callable.DTYPE,
          "_codecs.encode", Callable.ENCODE);

  /** An element type; its state says the byte order. */
  static final class Dtype {
    final String descr;
    String order = "<";

    Dtype(String descr) {
      this.descr = descr;
    }
  }

  /** An array; empty until its state is set. */
  static final class Array {
    private @Nullable NpyArray numbers;
    private @Nullable Object item;

    NpyArray value() throws PickleException {
      if (numbers == null) {
        throw new PickleException("an array of objects where one of numbers is expected");
      }
      return numbers;
    }
  }

  private final Path file;

  NumpyPickle(Path file) {
    this.file = file;
  }

  /** The item of an object array of one. */
  static Object onlyItem(Object value) throws PickleException {
    if (value instanceof Array array && array.item != null) {
      return array.item;
    }
    throw new PickleException("holds something else than one object");
  }

  @Override
  public Object global(String module, String name) throws PickleException {
    Callable allowed = ALLOWED.get(module + "." + name);
    if (allowed == null) {
      throw PickleException.refused("'" + module + "." + name + "'");
    }
    return allowed;
  }

  @Override
  public Object call(Object callable, Tuple arguments, Budget budget) throws PickleException {
    if (!(callable instanceof Callable known)) {
      throw PickleException.refused("a call of something that is no function");
    }
    return switch (known) {
      case RECONSTRUCT -> new Array();
      case DTYPE -> new Dtype(Pickles.string(arguments.at(0)));
      case ENCODE -> {
        if (!arguments.at(1).equals("latin1")) {
          throw PickleException.refused("an encoding that is not latin1");
        }
        String text = Pickles.string(arguments.at(0));
        budget.spend(text.length());
        yield text.getBytes(StandardCharsets.ISO_8859_1);
      }
      case NDARRAY -> throw PickleException.refused("a call of numpy.ndarray");
    };
  }

  /** Array state: version, shape, type, column-major, data. Type state: version, byte order, ... */
  @Override
  public void build(Object target, Object state) throws PickleException {
    Tuple tuple = Pickles.tuple(state);
    if (target instanceof Dtype dtype) {
      dtype.order = Pickles.string(tuple.at(1));
    } else if (target instanceof Array array) {
      long[] shape = Pickles.sizes(tuple.at(1));
      if (!(tuple.at(2) instanceof Dtype dtype)) {
        throw new PickleException("malformed pickle: an array without a type");
      }
      Object data = tuple.at(4);
      if (data instanceof List<?> items) {
        array.item = items.size() == 1 ? items.getFirst() : null;
      } else {
        array.numbers = numbers(shape, dtype, Boolean.TRUE.equals(tuple.at(3)), data);
      }
    } else {
      throw PickleException.refused("the state of an object");
    }
  }

  private NpyArray numbers(long[] shape, Dtype dtype, boolean columnMajor, Object data)
      throws PickleException {
    byte[] bytes =
        switch (data) {
          case byte[] b -> b;
          case String s -> s.getBytes(StandardCharsets.ISO_8859_1);
          default -> throw new PickleException("malformed pickle: an array without bytes");
        };
    char order = dtype.order.isEmpty() ? '<' : dtype.order.charAt(0);
    NpyHeader header =
        new NpyHeader(NpyHeader.type(dtype.descr), NpyHeader.order(order), columnMajor, shape, 0);
    try {
      return NpyArray.of(file, "array", header, bytes);
    } catch (PickleException e) {
      throw e;
    } catch (IOException e) {
      throw new PickleException("malformed pickle: an array's bytes are missing");
    }
  }

  @Override
  public Object persistent(Object id) throws PickleException {
    throw PickleException.refused("an external object");
  }
}
