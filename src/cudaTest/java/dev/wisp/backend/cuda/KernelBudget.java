package dev.wisp.backend.cuda;

import java.util.ArrayList;
import java.util.List;

/**
 * One line of cuda/budgets.csv: what a kernel may take on an architecture.
 *
 * @param kernel name of the {@code __global__} function
 * @param architecture compute capability times ten
 * @param registers most, of a thread
 * @param shared bytes of static shared memory of a block
 * @param local bytes of local memory of a thread: spilled registers and arrays
 * @param threads of a block, as in {@code __launch_bounds__}
 */
record KernelBudget(
    String kernel, int architecture, int registers, int shared, int local, int threads) {
  static final String COLUMNS = "kernel,sm,registers,shared,local,threads,warps,occupancy";

  /** Reads a line; its last two columns follow from the others and must agree with them. */
  static KernelBudget parse(String line) {
    String[] fields = line.split(",", -1);
    if (fields.length != COLUMNS.split(",", -1).length) {
      throw new IllegalArgumentException("'%s' is not %s".formatted(line, COLUMNS));
    }
    KernelBudget budget =
        new KernelBudget(
            fields[0],
            Integer.parseInt(fields[1]),
            Integer.parseInt(fields[2]),
            Integer.parseInt(fields[3]),
            Integer.parseInt(fields[4]),
            Integer.parseInt(fields[5]));
    if (!budget.line().equals(line)) {
      throw new IllegalArgumentException(
          "'%s': its figures make it '%s'".formatted(line, budget.line()));
    }
    return budget;
  }

  static KernelBudget of(Cubin.Kernel compiled, int architecture) {
    return new KernelBudget(
        compiled.name(),
        architecture,
        compiled.registers(),
        compiled.shared(),
        compiled.local(),
        compiled.threads());
  }

  /** Resident warps of a multiprocessor, calculated. */
  int warps() {
    return threads == 0
        ? 0
        : Multiprocessor.of(architecture).residentWarps(registers, shared, threads);
  }

  /** The line, with resident warps and their share of the most possible in percent. */
  String line() {
    return "%s,%d,%d,%d,%d,%d,%d,%d"
        .formatted(
            kernel,
            architecture,
            registers,
            shared,
            local,
            threads,
            warps(),
            Math.round(100.0 * warps() / Multiprocessor.of(architecture).warps()));
  }

  /** Which kernel this is about. */
  String place() {
    return "%s on sm_%d".formatted(kernel, architecture);
  }

  /** What is wrong with a compiled kernel, measured by this budget; empty if nothing is. */
  List<String> complaints(KernelBudget compiled) {
    List<String> complaints = new ArrayList<>();
    if (compiled.registers > registers) {
      complaints.add(
          "%s: %d registers, the budget is %d".formatted(place(), compiled.registers, registers));
    }
    if (compiled.shared != shared) {
      complaints.add(
          "%s: %d bytes of shared memory, the budget says %d"
              .formatted(place(), compiled.shared, shared));
    }
    if (compiled.threads != threads) {
      complaints.add(
          "%s: launch bounds of %d threads, the budget says %d"
              .formatted(place(), compiled.threads, threads));
    }
    return complaints;
  }
}
