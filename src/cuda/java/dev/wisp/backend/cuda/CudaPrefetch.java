package dev.wisp.backend.cuda;

import dev.wisp.backend.support.BlockPool;
import dev.wisp.tensor.WispOutOfMemory;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import jcuda.driver.CUevent;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Host values that are copied to the device while it computes, for an upload to come: on a stream
 * of their own into a block of their own, from which the upload takes them. Two events order the
 * two streams: the upload waits until the values are there, the next copy until they were taken.
 * For the compute thread alone.
 */
final class CudaPrefetch {
  private static final Logger LOG = LoggerFactory.getLogger(CudaPrefetch.class);

  private final CudaSession session;
  private final BlockPool<CudaPointer> pool;
  private final CudaTransfers transfers;
  private final CudaCopy copy;
  private final CUevent copied = new CUevent();
  private final CUevent taken = new CUevent();
  private final AtomicLong bytes = new AtomicLong();
  private BlockPool.@Nullable Block<CudaPointer> block;
  private float @Nullable [] source;

  CudaPrefetch(CudaSession session, BlockPool<CudaPointer> pool, CudaCopy copy) {
    this.session = session;
    this.pool = pool;
    this.copy = copy;
    transfers = new CudaTransfers(session, session::copies);
    for (CUevent event : new CUevent[] {copied, taken}) {
      check(JCudaDriver.cuEventCreate(event, CudaSession.EVENT_WITHOUT_TIMING), "cuEventCreate");
    }
  }

  private void check(int status, String function) {
    session.check(status, function, "a copy ahead");
  }

  /** Begins the copy; without memory for it nothing happens, and the upload copies as always. */
  void begin(float[] values) {
    source = null;
    if (values.length == 0 || !reserve((long) values.length * Float.BYTES)) {
      return;
    }
    CudaPointer target = block().memory();
    check(JCudaDriver.cuStreamWaitEvent(session.copies(), taken, 0), "cuStreamWaitEvent");
    transfers.upload(MemorySegment.ofArray(values), target, 0);
    check(JCudaDriver.cuEventRecord(copied, session.copies()), "cuEventRecord");
    source = values;
  }

  /**
   * Puts values at an address of the device, in the order of the computation, if their copy was
   * begun and they were not taken before.
   */
  boolean take(float[] values, long target) {
    if (source != values) {
      return false;
    }
    source = null;
    check(JCudaDriver.cuStreamWaitEvent(session.stream(), copied, 0), "cuStreamWaitEvent");
    copy.launch(block().memory().address(), target, values.length);
    check(JCudaDriver.cuEventRecord(taken, session.stream()), "cuEventRecord");
    return true;
  }

  private BlockPool.Block<CudaPointer> block() {
    if (block == null) {
      throw new IllegalStateException("no values were copied ahead");
    }
    return block;
  }

  /**
   * Sees to a block of at least so many bytes, whose earlier use {@link #taken} tells the end of.
   */
  private boolean reserve(long size) {
    if (block != null && block.bytes() >= size) {
      return true;
    }
    release();
    try {
      block = pool.allocate(size);
    } catch (WispOutOfMemory full) {
      LOG.debug("no memory to copy ahead: {}", full.getMessage());
      return false;
    }
    bytes.set(block.bytes());
    check(JCudaDriver.cuEventRecord(taken, session.stream()), "cuEventRecord");
    return true;
  }

  private void release() {
    if (block != null) {
      // What gets the memory next must not be overtaken by a copy that nobody took.
      check(JCudaDriver.cuEventRecord(copied, session.copies()), "cuEventRecord");
      check(JCudaDriver.cuStreamWaitEvent(session.stream(), copied, 0), "cuStreamWaitEvent");
      block.free();
      block = null;
      bytes.set(0);
    }
  }

  /** Device memory held, which is no tensor's. From any thread. */
  long bytes() {
    return bytes.get();
  }

  /** After the streams were drained, before the pool closes. */
  void close() {
    transfers.close();
    session.release(JCudaDriver.cuEventDestroy(copied));
    session.release(JCudaDriver.cuEventDestroy(taken));
  }
}
