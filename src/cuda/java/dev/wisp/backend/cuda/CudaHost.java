package dev.wisp.backend.cuda;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Operations that a card has no kernels of its own for yet, by the host's kernels: operands are
 * copied to the host and results back. The host's backend is opened at the first of them.
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
     * @param in copies of the inputs
     * @param out of the outputs' shapes, contents undefined
     */
    void run(Backend host, Tensor[] in, Tensor[] out);
  }

  /**
   * Runs a checked call on the host.
   *
   * @param in F32 and I32 operands that it reads
   * @param out F32 operands that it writes
   */
  void run(CudaCall call, List<Tensor> in, List<Tensor> out, Operation operation) {
    call.run(
        () -> {
          Object[] values = in.stream().map(tensor -> download(call, tensor)).toArray();
          Backend host = host();
          float[][] results = host.compute(() -> compute(host, in, values, out, operation));
          for (int i = 0; i < results.length; i++) {
            MemorySegment result = MemorySegment.ofArray(results[i]);
            context.transfers().upload(result, call.memory(out.get(i)), 0);
          }
        });
  }

  private Object download(CudaCall call, Tensor source) {
    int length = call.length("operand", source);
    if (source.type() == DType.I32) {
      int[] values = new int[length];
      context.transfers().download(call.memory(source), 0, MemorySegment.ofArray(values));
      return values;
    }
    float[] values = new float[length];
    context.transfers().download(call.memory(source), 0, MemorySegment.ofArray(values));
    return values;
  }

  private static float[][] compute(
      Backend host, List<Tensor> in, Object[] values, List<Tensor> out, Operation operation) {
    try (Scope scope = host.scope()) {
      Tensor[] inputs = new Tensor[in.size()];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = scope.allocate(in.get(i).type(), in.get(i).shape());
        if (values[i] instanceof int[] ints) {
          host.upload(ints, inputs[i]);
        } else {
          host.upload((float[]) values[i], inputs[i]);
        }
      }
      Tensor[] outputs =
          out.stream()
              .map(tensor -> scope.allocate(tensor.type(), tensor.shape()))
              .toArray(Tensor[]::new);
      operation.run(host, inputs, outputs);
      float[][] results = new float[outputs.length][];
      for (int i = 0; i < results.length; i++) {
        results[i] = host.floats(outputs[i]);
      }
      return results;
    }
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
