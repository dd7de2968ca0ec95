package dev.wisp.backend.cuda;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The host's kernels, for operations that a card has none of its own for yet: operands are copied
 * to the host and results back. Used on the compute thread.
 */
final class CudaHost {
  private final CudaContext context;
  private @Nullable Backend opened;

  CudaHost(CudaContext context) {
    this.context = context;
  }

  /** The operation on the host. */
  @FunctionalInterface
  interface Operation {
    /**
     * @param t copies of the operands in their order
     */
    void run(Backend host, Tensor[] t);
  }

  /**
   * Runs an operation whose operands the call has checked.
   *
   * @param read operands whose values it reads, F32, I32 or U8
   * @param written operands that it writes or updates, F32 or I32; they come after the others
   */
  void run(CudaCall call, List<Tensor> read, List<Tensor> written, Operation operation) {
    List<Tensor> operands = new ArrayList<>(read);
    operands.addAll(written);
    call.run(
        () -> {
          List<Object> values = operands.stream().map(operand -> download(call, operand)).toList();
          Backend host = host();
          List<MemorySegment> results =
              host.compute(
                  () -> {
                    try (Scope scope = host.scope()) {
                      Tensor[] copies = new Tensor[operands.size()];
                      for (int i = 0; i < copies.length; i++) {
                        Tensor like = operands.get(i);
                        copies[i] = scope.allocate(like.type(), like.shape());
                        upload(host, values.get(i), copies[i]);
                      }
                      operation.run(host, copies);
                      return List.of(copies).subList(read.size(), copies.length).stream()
                          .map(result -> values(host, result))
                          .toList();
                    }
                  });
          for (int i = 0; i < results.size(); i++) {
            context.transfers().upload(results.get(i), call.memory(written.get(i)), 0);
          }
        });
  }

  /** An operand's values in an array of its type. */
  private Object download(CudaCall call, Tensor source) {
    int length = call.length("operand", source);
    return switch (source.type()) {
      case F32 -> {
        float[] values = new float[length];
        context.transfers().download(call.memory(source), 0, MemorySegment.ofArray(values));
        yield values;
      }
      case U8 -> {
        byte[] values = new byte[length];
        context.transfers().download(call.memory(source), 0, MemorySegment.ofArray(values));
        yield values;
      }
      case I32 -> {
        int[] values = new int[length];
        context.transfers().download(call.memory(source), 0, MemorySegment.ofArray(values));
        yield values;
      }
    };
  }

  private static void upload(Backend host, Object values, Tensor target) {
    switch (values) {
      case float[] floats -> host.upload(floats, target);
      case int[] ints -> host.upload(ints, target);
      case byte[] bytes -> host.upload(bytes, target);
      default -> throw new AssertionError(values);
    }
  }

  private static MemorySegment values(Backend host, Tensor result) {
    return result.type() == DType.F32
        ? MemorySegment.ofArray(host.floats(result))
        : MemorySegment.ofArray(host.ints(result));
  }

  private Backend host() {
    Backend host = opened;
    if (host == null) {
      host = CpuBackend.open(CpuOptions.standard());
      opened = host;
    }
    return host;
  }

  /** On the compute thread, once. */
  void close() {
    if (opened != null) {
      opened.close();
    }
  }
}
