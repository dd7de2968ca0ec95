package dev.wisp.io;

import dev.wisp.io.TorchPickle.StoredTensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A PyTorch checkpoint ({@code .pth}): the tensors of a state dict, read without running anything
 * that the file asks for. Both forms are known: the zip file of torch.save since 1.6 and the legacy
 * stream of pickles. A dictionary that holds the state dict under {@code state_dict}, {@code model}
 * or {@code model_state_dict} is looked into; entries that are no tensors are left out. Strided
 * tensors come out in row-major order.
 */
public final class TorchFile extends NamedTensors<StoredTensor> {
  private static final List<String> NESTED = List.of("state_dict", "model", "model_state_dict");

  /** The bytes of the file's storages. */
  interface Storages extends AutoCloseable {
    /** Reads a part of a storage; the order is the one they were saved in. */
    ByteBuffer read(String key, long position, int length) throws IOException;

    @Override
    void close();
  }

  private final Storages storages;
  private final AtomicBoolean closed = new AtomicBoolean();

  private TorchFile(Path path, Storages storages, Map<String, StoredTensor> tensors) {
    super(path, tensors);
    this.storages = storages;
  }

  /**
   * Opens a checkpoint.
   *
   * @throws dev.wisp.common.WispException for a file that is missing, damaged, of another kind or
   *     that asks for anything but tensors (the message names what)
   */
  public static TorchFile open(Path path) {
    try {
      return TorchZip.isZip(path) ? TorchZip.open(path) : TorchLegacy.open(path);
    } catch (Pickles.PickleException e) {
      throw FileErrors.of(path, FileErrors.reason(e), e);
    } catch (IOException e) {
      throw FileErrors.reading(path, e);
    }
  }

  /** The tensors of a pickle's value. */
  static TorchFile of(Path path, Object root, Storages storages) throws Pickles.PickleException {
    Map<String, StoredTensor> tensors = tensors(root);
    if (tensors.isEmpty() && root instanceof Map<?, ?> map) {
      for (String name : NESTED) {
        Object inner = map.get(name);
        if (inner != null && tensors.isEmpty()) {
          tensors = tensors(inner);
        }
      }
    }
    if (tensors.isEmpty()) {
      throw new Pickles.PickleException("holds no tensors by name: not a state dict");
    }
    return new TorchFile(path, storages, tensors);
  }

  private static Map<String, StoredTensor> tensors(Object value) {
    Map<String, StoredTensor> found = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> map) {
      map.forEach(
          (key, item) -> {
            if (key instanceof String name && item instanceof StoredTensor tensor) {
              found.put(name, tensor);
            }
          });
    }
    return found;
  }

  @Override
  public ElementType type(String name) {
    return entry(name).storage().type();
  }

  @Override
  public long[] shape(String name) {
    return entry(name).shape().clone();
  }

  @Override
  public FloatSource pieces(String name) {
    return values(name).pieces();
  }

  /** Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      storages.close();
    }
  }

  /** Reads the stretch of the storage that the tensor touches and puts it in row-major order. */
  @Override
  Elements values(String name) {
    if (closed.get()) {
      throw new IllegalStateException("checkpoint is closed: " + path);
    }
    StoredTensor tensor = entry(name);
    ElementType type = tensor.storage().type();
    long reach = tensor.count() == 0 ? 0 : 1 + Strides.last(tensor.shape(), tensor.stride());
    if (reach * type.bytes() > Integer.MAX_VALUE - 8) {
      throw FileErrors.of(path, "tensor '" + name + "' spans more than an array holds");
    }
    ByteBuffer stored;
    try {
      stored =
          storages.read(
              tensor.storage().key(),
              (tensor.storage().start() + tensor.offset()) * type.bytes(),
              (int) (reach * type.bytes()));
    } catch (IOException e) {
      throw FileErrors.of(path, "tensor '" + name + "' cannot be read: " + FileErrors.reason(e), e);
    }
    ByteBuffer ordered = Strides.gather(stored, tensor.shape(), tensor.stride(), type.bytes());
    return new Elements(
        path,
        name,
        (position, into) -> into.put(ordered.slice((int) position, into.remaining())),
        0,
        type,
        stored.order(),
        tensor.count());
  }

  static ByteOrder order(boolean little) {
    return little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
  }
}
