package dev.wisp.backend.cuda;

import dev.wisp.common.WispException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Graphs of work that repeats with the same arguments: captured when it is met for the second time,
 * launched from then on. Only work that is equal in every word is replaced, so results are the same
 * bit by bit. The least recently met are dropped first.
 */
final class CudaGraphs {
  /** Most graphs. A training step of ResNet-101 is about 150 of them. */
  static final int MOST = 512;

  /** How many pieces of work are remembered that may be met again. */
  private static final int MET_ROWS = 1024;

  private static final int MET_WAYS = 4;

  private static final Logger LOG = LoggerFactory.getLogger(CudaGraphs.class);

  /**
   * {@code CU_STREAM_CAPTURE_MODE_RELAXED}: cuDNN may load code under a capture, and other
   * backends' threads go on.
   */
  private static final int RELAXED = 2;

  private final CudaSession session;
  private final CUstream stream;
  private final boolean required;
  private final Map<Content, CUgraphExec> known = new LinkedHashMap<>(64, 0.75f, true);
  private final Content sought = new Content();

  /** Hashes of work that was met, each in a row of its own choice; 0 for none. */
  private final int[][] met = new int[MET_ROWS][MET_WAYS];

  private int oldest;
  private boolean refused;
  private boolean capturing;
  private long launches;

  /** All that decides what some work does, or what is looked for. */
  private static final class Content {
    private long[] words = {};
    private int length;
    private int hash;

    Content of(long[] from, int count) {
      words = from;
      length = count;
      hash = 1;
      for (int i = 0; i < count; i++) {
        hash = 31 * hash + Long.hashCode(from[i]);
      }
      return this;
    }

    Content copy() {
      return new Content().of(Arrays.copyOf(words, length), length);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Content that
          && hash == that.hash
          && Arrays.equals(words, 0, length, that.words, 0, that.length);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  /**
   * Graphs on a stream.
   *
   * @param required whether a refused capture is an error; else the work is launched as it is
   */
  CudaGraphs(CudaSession session, CUstream stream, boolean required) {
    this.session = session;
    this.stream = stream;
    this.required = required;
  }

  /** How many graphs were launched. */
  long launches() {
    return launches;
  }

  /** Whether the work that is issued now is only recorded. */
  boolean capturing() {
    return capturing;
  }

  /**
   * Launches a queue's work as a graph, if it was met before.
   *
   * @param words all that decides what the work does
   * @return false if it is to be issued as it is
   */
  boolean replay(long[] words, int length, CudaQueue queue) {
    if (refused) {
      return false;
    }
    CUgraphExec graph = known.get(sought.of(words, length));
    if (graph == null) {
      if (!metBefore(sought.hash)) {
        return false;
      }
      graph = capture(queue);
      if (graph == null) {
        refused = true;
        return false;
      }
      bound();
      known.put(sought.copy(), graph);
    }
    session.status().during(null);
    launches++;
    int code = JCudaDriver.cuGraphLaunch(graph, stream);
    if (code != 0) {
      throw session.status().failure(code, "cuGraphLaunch", queue.describe());
    }
    return true;
  }

  private boolean metBefore(int hash) {
    int[] row = met[Math.floorMod(hash, MET_ROWS)];
    for (int one : row) {
      if (one == hash) {
        return true;
      }
    }
    oldest = (oldest + 1) % MET_WAYS;
    row[oldest] = hash;
    return false;
  }

  /** The work as a graph that can be launched; null if it cannot be captured and need not be. */
  private @Nullable CUgraphExec capture(CudaQueue queue) {
    String refusal = begin();
    CUgraph graph = new CUgraph();
    if (refusal == null) {
      capturing = true;
      try {
        queue.issue();
      } catch (RuntimeException failed) {
        refusal = String.valueOf(failed.getMessage());
      } finally {
        capturing = false;
        int code = JCudaDriver.cuStreamEndCapture(stream, graph);
        if (code != 0 && refusal == null) {
          refusal = "cuStreamEndCapture: " + CudaDriverApi.describe(code);
        }
      }
    }
    CUgraphExec exec = new CUgraphExec();
    if (refusal == null) {
      int code = JCudaDriver.cuGraphInstantiate(exec, graph, 0);
      if (code != 0) {
        refusal = "cuGraphInstantiate: " + CudaDriverApi.describe(code);
      }
    }
    session.release(JCudaDriver.cuGraphDestroy(graph));
    if (refusal == null) {
      return exec;
    }
    String text =
        "%s cannot become a graph (%s); -D%s=off does without"
            .formatted(queue.describe(), refusal, CudaOptions.GRAPHS);
    if (required) {
      throw new WispException("cuda: " + text);
    }
    LOG.info("{}: from now on everything is launched on its own", text);
    return null;
  }

  private @Nullable String begin() {
    int code = JCudaDriver.cuStreamBeginCapture(stream, RELAXED);
    return code == 0 ? null : "cuStreamBeginCapture: " + CudaDriverApi.describe(code);
  }

  private void bound() {
    while (known.size() >= MOST) {
      var eldest = known.entrySet().iterator();
      CUgraphExec dropped = eldest.next().getValue();
      eldest.remove();
      // It may still be under way.
      session.release(JCudaDriver.cuStreamSynchronize(stream));
      session.release(JCudaDriver.cuGraphExecDestroy(dropped));
    }
  }

  /** After the stream was drained, before the modules are unloaded. Idempotent. */
  void close() {
    known.values().forEach(graph -> session.release(JCudaDriver.cuGraphExecDestroy(graph)));
    known.clear();
  }
}
