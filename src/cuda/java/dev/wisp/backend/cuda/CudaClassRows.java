package dev.wisp.backend.cuda;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.support.BlockPool;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Row tables of the batches used last, on the device. A table that makes room goes back to the pool
 * at once: kernels that still read it are earlier on the stream than whoever gets the memory next.
 */
final class CudaClassRows {
  /** More than the tables any one operation takes, and than the scales of one image. */
  private static final int MOST = 32;

  private final BlockPool<CudaPointer> pool;
  private final CudaTransfers transfers;
  private final Map<ClassRows, Rows> latest = new LinkedHashMap<>(MOST, 0.75f, true);
  private final AtomicLong bytes = new AtomicLong();

  CudaClassRows(BlockPool<CudaPointer> pool, CudaTransfers transfers) {
    this.pool = pool;
    this.transfers = transfers;
  }

  /**
   * One table, as three int arrays.
   *
   * @param block the memory behind them
   * @param offsets address of the first row of each image, and of the number of rows: images + 1
   * @param ids address of the class id of each row
   * @param images address of the image of each row
   */
  record Rows(BlockPool.Block<CudaPointer> block, long offsets, long ids, long images) {}

  /** The table of a batch; equal for the same object. */
  Rows of(ClassRows classes) {
    Rows known = latest.get(classes);
    if (known != null) {
      return known;
    }
    if (latest.size() == MOST) {
      var oldest = latest.entrySet().iterator();
      forget(oldest.next().getValue());
      oldest.remove();
    }
    Rows made = upload(classes);
    latest.put(classes, made);
    bytes.addAndGet(made.block.bytes());
    return made;
  }

  private Rows upload(ClassRows classes) {
    int images = classes.images();
    int rows = classes.rows();
    int[] table = new int[images + 1 + 2 * rows];
    System.arraycopy(classes.offsets(), 0, table, 0, images + 1);
    System.arraycopy(classes.ids(), 0, table, images + 1, rows);
    for (int image = 0; image < images; image++) {
      for (int row = classes.begin(image); row < classes.end(image); row++) {
        table[images + 1 + rows + row] = image;
      }
    }
    BlockPool.Block<CudaPointer> block = pool.allocate((long) table.length * Integer.BYTES);
    try {
      transfers.upload(MemorySegment.ofArray(table), block.memory(), 0);
    } catch (RuntimeException failure) {
      block.free();
      throw failure;
    }
    long address = block.memory().address();
    long ids = address + (images + 1L) * Integer.BYTES;
    return new Rows(block, address, ids, ids + (long) rows * Integer.BYTES);
  }

  private void forget(Rows rows) {
    bytes.addAndGet(-rows.block.bytes());
    rows.block.free();
  }

  /** Device memory the tables hold, which is no tensor's. */
  long bytes() {
    return bytes.get();
  }
}
