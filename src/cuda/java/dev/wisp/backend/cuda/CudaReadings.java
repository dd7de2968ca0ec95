package dev.wisp.backend.cuda;

import dev.wisp.backend.support.ComputeThread;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * Few values on their way to the host, such as losses: copied into pinned memory in the order of
 * the stream and waited for only when they are asked for. A ring of slots; what is still in the
 * oldest one is fetched before it is used again. For the compute thread, but for the suppliers.
 */
final class CudaReadings {
  /** Most values of a reading. */
  static final int MOST = 16;

  private static final int SLOTS = 64;
  private static final long SLOT_BYTES = (long) MOST * Float.BYTES;

  private final CudaSession session;
  private final ComputeThread thread;
  private final Pointer pinned = new Pointer();
  private final MemorySegment buffer;
  private final CUevent[] copied = new CUevent[SLOTS];
  private final @Nullable Reading[] latest = new Reading[SLOTS];
  private int next;

  CudaReadings(CudaSession session, ComputeThread thread) {
    this.session = session;
    this.thread = thread;
    session.check(
        JCudaDriver.cuMemHostAlloc(pinned, SLOTS * SLOT_BYTES, 0),
        "cuMemHostAlloc",
        SLOTS * SLOT_BYTES + " bytes of pinned host memory");
    buffer = MemorySegment.ofBuffer(pinned.getByteBuffer(0, SLOTS * SLOT_BYTES));
    for (int i = 0; i < SLOTS; i++) {
      copied[i] = new CUevent();
      session.check(
          JCudaDriver.cuEventCreate(copied[i], CudaSession.EVENT_WITHOUT_TIMING),
          "cuEventCreate",
          "a reading");
    }
  }

  /** One reading, until it is fetched in a slot. */
  private final class Reading implements Supplier<float[]> {
    private final int slot;
    private final float[] values;
    private boolean fetched;

    Reading(int slot, int count) {
      this.slot = slot;
      values = new float[count];
    }

    @Override
    public float[] get() {
      thread.call(
          () -> {
            thread.require("a reading");
            fetch();
            return true;
          });
      return values.clone();
    }

    void fetch() {
      if (!fetched) {
        session.status().requireUsable("a reading");
        session.check(
            JCudaDriver.cuEventSynchronize(copied[slot]), "cuEventSynchronize", "a reading");
        MemorySegment.copy(
            buffer, ValueLayout.JAVA_FLOAT, slot * SLOT_BYTES, values, 0, values.length);
        fetched = true;
      }
    }
  }

  /** Begins to copy up to {@link #MOST} floats. */
  Supplier<float[]> read(CudaPointer source, int count) {
    int slot = next;
    next = (next + 1) % SLOTS;
    Reading oldest = latest[slot];
    if (oldest != null) {
      oldest.fetch();
    }
    Reading reading = new Reading(slot, count);
    session.check(
        JCudaDriver.cuMemcpyDtoHAsync(
            pinned.withByteOffset(slot * SLOT_BYTES),
            source,
            (long) count * Float.BYTES,
            session.stream()),
        "cuMemcpyDtoHAsync",
        "a reading");
    session.check(
        JCudaDriver.cuEventRecord(copied[slot], session.stream()), "cuEventRecord", "a reading");
    latest[slot] = reading;
    return reading;
  }

  /** After the stream was drained. */
  void close() {
    for (CUevent event : copied) {
      session.release(JCudaDriver.cuEventDestroy(event));
    }
    session.release(JCudaDriver.cuMemFreeHost(pinned));
  }
}
