package dev.wisp.io;

import dev.wisp.io.Pickles.Budget;
import dev.wisp.io.Pickles.Maker;
import dev.wisp.io.Pickles.PickleException;
import dev.wisp.io.Pickles.Tuple;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What a PyTorch checkpoint's pickle may make: dictionaries, storages and tensors over them. */
final class TorchPickle implements Maker {
  /** Allowed globals that are called. */
  private enum Callable {
    ORDERED_DICT,
    REBUILD_TENSOR,
    REBUILD_PARAMETER,
    SIZE
  }

  private static final Map<String, Object> ALLOWED =
      Map.ofEntries(
          Map.entry("collections.OrderedDict", Callable.ORDERED_DICT),
          Map.entry("torch._utils._rebuild_tensor_v2", Callable.REBUILD_TENSOR),
          Map.entry("torch._utils._rebuild_tensor", Callable.REBUILD_TENSOR),
          Map.entry("torch._utils._rebuild_parameter", Callable.REBUILD_PARAMETER),
          Map.entry("torch.Size", Callable.SIZE),
          Map.entry("torch.DoubleStorage", ElementType.F64),
          Map.entry("torch.FloatStorage", ElementType.F32),
          Map.entry("torch.HalfStorage", ElementType.F16),
          Map.entry("torch.BFloat16Storage", ElementType.BF16),
          Map.entry("torch.LongStorage", ElementType.I64),
          Map.entry("torch.IntStorage", ElementType.I32),
          Map.entry("torch.ShortStorage", ElementType.I16),
          Map.entry("torch.CharStorage", ElementType.I8),
          Map.entry("torch.ByteStorage", ElementType.U8),
          Map.entry("torch.BoolStorage", ElementType.BOOL));

  /**
   * A run of elements in the file.
   *
   * @param key which of the file's storages
   * @param start first element of this view
   * @param size number of elements of this view
   */
  record Storage(ElementType type, String key, long start, long size) {}

  /** A strided view of a storage, its reach checked: offset and strides in elements. */
  @SuppressWarnings("ArrayRecordComponent")
  record StoredTensor(Storage storage, long offset, long[] shape, long[] stride, long count) {}

  /** The sizes of the whole storages by key; the keys in the order in which they first occur. */
  final Map<String, Storage> storages = new LinkedHashMap<>();

  @Override
  public Object global(String module, String name) throws PickleException {
    Object allowed = ALLOWED.get(module + "." + name);
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
      case ORDERED_DICT -> dictionary(arguments, budget);
      case REBUILD_TENSOR -> tensor(arguments);
      case REBUILD_PARAMETER -> {
        if (!(arguments.at(0) instanceof StoredTensor tensor)) {
          throw new PickleException("malformed pickle: a parameter without a tensor");
        }
        yield tensor;
      }
      case SIZE -> Pickles.tuple(arguments.at(0));
    };
  }

  private static Map<Object, Object> dictionary(Tuple arguments, Budget budget)
      throws PickleException {
    Map<Object, Object> result = new LinkedHashMap<>();
    if (arguments.size() == 0) {
      return result;
    }
    // Python 2 stores an OrderedDict as a list of pairs.
    if (!(arguments.at(0) instanceof List<?> pairs)) {
      throw new PickleException("malformed pickle: an OrderedDict of something else than pairs");
    }
    budget.spend(64L * pairs.size());
    for (Object pair : pairs) {
      if (pair instanceof List<?> two && two.size() == 2 && two.getFirst() instanceof String key) {
        result.put(key, Objects.requireNonNull(two.getLast()));
      } else if (pair instanceof Tuple two && two.size() == 2 && two.at(0) instanceof String key) {
        result.put(key, two.at(1));
      } else {
        throw new PickleException("malformed pickle: an OrderedDict of something else than pairs");
      }
    }
    return result;
  }

  /** Arguments: storage, offset, shape, stride, then what does not matter for the numbers. */
  private static StoredTensor tensor(Tuple arguments) throws PickleException {
    if (!(arguments.at(0) instanceof Storage storage)) {
      throw new PickleException("malformed pickle: a tensor without a storage");
    }
    long offset = Pickles.integer(arguments.at(1));
    long[] shape = Pickles.sizes(arguments.at(2));
    long[] stride = Pickles.sizes(arguments.at(3));
    if (offset < 0 || shape.length != stride.length) {
      throw new PickleException("malformed pickle: a tensor's offset or strides");
    }
    try {
      long count = 1;
      long last = offset;
      for (int d = 0; d < shape.length; d++) {
        count = Math.multiplyExact(count, shape[d]);
        last = Math.addExact(last, Math.multiplyExact(Math.max(0, shape[d] - 1), stride[d]));
      }
      if (count > 0 && last >= storage.size()) {
        throw new PickleException("malformed pickle: a tensor reaches beyond its storage");
      }
      // Strides of zero could make a small file ask for any amount of memory.
      if (count > storage.size() && count > 1 << 20) {
        throw new PickleException("unsupported: a tensor far larger than its storage");
      }
      return new StoredTensor(storage, offset, shape, stride, count);
    } catch (ArithmeticException e) {
      throw new PickleException("malformed pickle: a tensor larger than any memory");
    }
  }

  /** The state of an OrderedDict is module versions; nothing else has one that matters. */
  @Override
  public void build(Object target, Object state) throws PickleException {
    if (!(target instanceof Map<?, ?>)) {
      throw PickleException.refused("the state of an object");
    }
  }

  /** Ids: ('storage', type, key, location, elements[, view of the legacy form]). */
  @Override
  public Object persistent(Object id) throws PickleException {
    if (!(id instanceof Tuple tuple) || !"storage".equals(tuple.at(0))) {
      throw PickleException.refused("an external object that is no storage");
    }
    if (!(tuple.at(1) instanceof ElementType type)) {
      throw new PickleException("malformed pickle: a storage without an element type");
    }
    String key =
        tuple.at(2) instanceof Long number ? number.toString() : Pickles.string(tuple.at(2));
    long size = Pickles.integer(tuple.at(4));
    if (size < 0 || size > Long.MAX_VALUE / 8) {
      throw new PickleException("malformed pickle: a storage of " + size + " elements");
    }
    Storage whole = new Storage(type, key, 0, size);
    Storage before = storages.putIfAbsent(key, whole);
    if (before != null && !before.equals(whole)) {
      throw new PickleException("malformed pickle: two descriptions of storage '" + key + "'");
    }
    if (tuple.size() < 6 || !(tuple.at(5) instanceof Tuple view)) {
      return whole;
    }
    long start = Pickles.integer(view.at(1));
    long length = Pickles.integer(view.at(2));
    if (start < 0 || length < 0 || start > size || length > size - start) {
      throw new PickleException("malformed pickle: a view beyond its storage");
    }
    return new Storage(type, key, start, length);
  }

  /** Whether a value is the magic number of the legacy form. */
  static boolean isMagic(Object value) {
    return new BigInteger("1950a86a20f9469cfc6c", 16).equals(value);
  }
}
