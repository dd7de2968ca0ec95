package dev.wisp.backend.cuda;

/**
 * What one multiprocessor holds at a time. Limits: CUDA C++ Programming Guide 12, table "Technical
 * Specifications per Compute Capability"; granularity and rounding: {@code cuda_occupancy.h} of the
 * toolkit. The part of the L1 cache that serves as shared memory is taken at its largest.
 */
enum Multiprocessor {
  SM_52(64, 32, 96, 256, 0),
  SM_61(64, 32, 96, 256, 0),
  SM_70(64, 32, 96, 256, 0),
  SM_75(32, 16, 64, 256, 0),
  SM_80(64, 32, 164, 128, 1024),
  SM_90(64, 32, 228, 128, 1024);

  private static final int WARP = 32;
  private static final int REGISTERS = 65536;

  /** A warp's registers come from one of four parts of the register file. */
  private static final int PARTITIONS = 4;

  /** Registers are given to a warp in multiples of this. */
  private static final int REGISTER_UNIT = 256;

  private final int warps;
  private final int blocks;
  private final int sharedBytes;
  private final int sharedUnit;
  private final int sharedReserved;

  /**
   * Limits.
   *
   * @param sharedUnit bytes of which a block is given a multiple
   * @param sharedReserved bytes of every block that the system keeps
   */
  Multiprocessor(int warps, int blocks, int sharedKilobytes, int sharedUnit, int sharedReserved) {
    this.warps = warps;
    this.blocks = blocks;
    sharedBytes = sharedKilobytes << 10;
    this.sharedUnit = sharedUnit;
    this.sharedReserved = sharedReserved;
  }

  /** That of a compute capability, given times ten. */
  static Multiprocessor of(int architecture) {
    return valueOf("SM_" + architecture);
  }

  /** Compute capability times ten. */
  int architecture() {
    return Integer.parseInt(name().substring("SM_".length()));
  }

  /** Most warps. */
  int warps() {
    return warps;
  }

  /**
   * Warps of a kernel that are resident together when there are blocks enough.
   *
   * @param registers of a thread, at least 1
   * @param shared bytes of a block
   * @param threads of a block, at least 1
   */
  int residentWarps(int registers, int shared, int threads) {
    int blockWarps = Math.ceilDiv(threads, WARP);
    int warpRegisters = roundUp(registers * WARP, REGISTER_UNIT);
    int warpsByRegisters = REGISTERS / PARTITIONS / warpRegisters * PARTITIONS;
    int blockShared = roundUp(shared + sharedReserved, sharedUnit);
    int fit = Math.min(blocks, Math.min(warps, warpsByRegisters) / blockWarps);
    if (blockShared > 0) {
      fit = Math.min(fit, sharedBytes / blockShared);
    }
    return fit * blockWarps;
  }

  private static int roundUp(int value, int unit) {
    return Math.ceilDiv(value, unit) * unit;
  }
}
