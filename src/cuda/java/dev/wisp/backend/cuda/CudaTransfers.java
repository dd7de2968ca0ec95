package dev.wisp.backend.cuda;

import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.JCudaDriver;

/**
 * Copies between the host and the device through a pinned buffer of two halves. Uploads are filled
 * in one after the other and only queued on the stream: the host waits when it comes back to a half
 * whose copies are not done. So small uploads cost no wait, and large ones overlap the copy into
 * the buffer with the copy to the device.
 */
final class CudaTransfers {
  private static final long HALF = 2L << 20;

  /** Each upload starts at a multiple, as the device's copy engine likes it. */
  private static final long ALIGNMENT = 256;

  private final CudaSession session;
  private final Pointer pinned = new Pointer();
  private final MemorySegment buffer;
  private final CUevent[] emptied = {new CUevent(), new CUevent()};
  private final Supplier<CudaStream> stream;
  private long position;

  /**
   * Copies on a stream.
   *
   * @param stream asked for each copy
   */
  CudaTransfers(CudaSession session, Supplier<CudaStream> stream) {
    this.session = session;
    this.stream = stream;
    session.check(
        JCudaDriver.cuMemHostAlloc(pinned, 2 * HALF, 0),
        "cuMemHostAlloc",
        2 * HALF + " bytes of pinned host memory");
    buffer = MemorySegment.ofBuffer(pinned.getByteBuffer(0, 2 * HALF));
    for (CUevent event : emptied) {
      session.check(
          JCudaDriver.cuEventCreate(event, CudaSession.EVENT_WITHOUT_TIMING),
          "cuEventCreate",
          "a staging buffer");
    }
  }

  /**
   * Copies host values to the device, in the order of the stream. The source is free at once.
   *
   * @param offset bytes of the target before the first that is written
   */
  void upload(MemorySegment source, CudaPointer target, long offset) {
    long size = source.byteSize();
    for (long done = 0; done < size; ) {
      long begin = free();
      long length = Math.min(size - done, room(begin));
      MemorySegment.copy(source, done, buffer, begin, length);
      CUdeviceptr to = offset + done == 0 ? target : target.withByteOffset(offset + done);
      session.check(
          JCudaDriver.cuMemcpyHtoDAsync(to, pinned.withByteOffset(begin), length, stream.get()),
          "cuMemcpyHtoDAsync",
          length + " bytes");
      take(begin, length);
      done += length;
    }
  }

  /**
   * Waits for the stream and copies device values to the host.
   *
   * @param offset bytes of the source before the first that is read
   */
  void download(CudaPointer source, long offset, MemorySegment target) {
    long size = target.byteSize();
    for (long done = 0; done < size; ) {
      long begin = free();
      long length = Math.min(size - done, room(begin));
      CUdeviceptr from = offset + done == 0 ? source : source.withByteOffset(offset + done);
      session.check(
          JCudaDriver.cuMemcpyDtoHAsync(pinned.withByteOffset(begin), from, length, stream.get()),
          "cuMemcpyDtoHAsync",
          length + " bytes");
      session.check(
          JCudaDriver.cuStreamSynchronize(stream.get()),
          "cuStreamSynchronize",
          "a copy to the host");
      MemorySegment.copy(buffer, begin, target, done, length);
      take(begin, length);
      done += length;
    }
  }

  /** Where the next copy begins; on entering a half, its earlier copies are waited for. */
  private long free() {
    if (position % HALF == 0) {
      session.check(
          JCudaDriver.cuEventSynchronize(emptied[(int) (position / HALF)]),
          "cuEventSynchronize",
          "a staging buffer");
    }
    return position;
  }

  private static long room(long begin) {
    return HALF - begin % HALF;
  }

  private void take(long begin, long length) {
    int half = (int) (begin / HALF);
    long end = Math.ceilDiv(begin + length, ALIGNMENT) * ALIGNMENT;
    if (end % HALF == 0) {
      session.check(
          JCudaDriver.cuEventRecord(emptied[half], stream.get()),
          "cuEventRecord",
          "a staging buffer");
    }
    position = end % (2 * HALF);
  }

  /** After the stream was drained. */
  void close() {
    for (CUevent event : emptied) {
      session.release(JCudaDriver.cuEventDestroy(event));
    }
    session.release(JCudaDriver.cuMemFreeHost(pinned));
  }
}
