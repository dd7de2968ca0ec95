package dev.wisp.benchmarks;

/** What runs a workload: libtorch, or Wisp. */
public interface Engine extends AutoCloseable {
  String WISP = "wisp";

  /** libtorch with bound threads: the peer of the promised ratios. */
  String LIBTORCH = "libtorch";

  /** The same in a process started with {@code THP_MEM_ALLOC_ENABLE=1}: large pages for tensors. */
  String LIBTORCH_HUGE = "libtorch-huge";

  /** One line: version, threads, instruction set. */
  String describe();

  /** Prepares a workload with its seeded inputs. */
  Workload open(Task task, Setting setting);

  @Override
  void close();

  /**
   * The engine of that name. Loaded by name: a process that times one engine never loads the
   * libraries of the other.
   */
  static Engine named(String name) {
    String type =
        switch (name) {
          case LIBTORCH, LIBTORCH_HUGE -> "dev.wisp.benchmarks.libtorch.LibtorchEngine";
          case WISP -> "dev.wisp.benchmarks.engine.WispEngine";
          default -> throw new IllegalArgumentException("no engine is called " + name);
        };
    try {
      return (Engine) Class.forName(type).getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException failure) {
      throw new IllegalStateException("cannot start engine " + name, failure);
    }
  }
}
