package dev.wisp.benchmarks.libtorch;

import dev.wisp.benchmarks.Engine;
import dev.wisp.benchmarks.Setting;
import dev.wisp.benchmarks.Task;
import dev.wisp.benchmarks.Workload;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/** libtorch on all cores, eager, float32, NCHW. */
public final class LibtorchEngine implements Engine {
  /** Starts libtorch; {@code OMP_NUM_THREADS} decides its threads. */
  public LibtorchEngine() {
    if (!torch.hasMKLDNN() || !torch.globalContext().userEnabledMkldnn()) {
      throw new IllegalStateException("this libtorch runs without oneDNN: not a fair peer");
    }
  }

  @Override
  public String describe() {
    return "%s, %d threads, oneDNN on, OMP_PROC_BIND=%s, THP_MEM_ALLOC_ENABLE=%s"
        .formatted(
            version(),
            torch.get_num_threads(),
            System.getenv("OMP_PROC_BIND"),
            System.getenv("THP_MEM_ALLOC_ENABLE"));
  }

  private static String version() {
    try {
      return Loader.getVersion("org.bytedeco", "pytorch");
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  @Override
  public Workload open(Task task, Setting setting) {
    return switch (task) {
      case PAMR -> new LibtorchPamr(setting);
      case STRUCTURE -> new LibtorchStructure(setting);
      case REACTIVATION -> new LibtorchReactivation(setting);
      case NETWORK -> new LibtorchNetwork();
    };
  }

  @Override
  public void close() {}
}
