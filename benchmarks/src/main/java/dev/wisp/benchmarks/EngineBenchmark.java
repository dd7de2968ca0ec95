package dev.wisp.benchmarks;

import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One task in one engine; {@link Measure} sets the parameters. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class EngineBenchmark {
  @Param("wisp")
  public String engine = "";

  @Param("pamr")
  public String task = "";

  @Param("1")
  public int batch;

  @Param("2")
  public int foreground;

  private @Nullable Engine running;
  private @Nullable Workload workload;
  private Memory before = Memory.NONE;

  /** Loads the inputs; memory is counted from here. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    running = Engine.named(engine);
    workload = running.open(Task.of(task), new Setting(batch, foreground));
    before = Memory.startCounting();
  }

  @Benchmark
  public void compute() {
    Objects.requireNonNull(workload).run();
  }

  /** Writes the fork's peak memory, then frees all. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    Memory.record(engine, Task.of(task), batch, before, Memory.now());
    Objects.requireNonNull(workload).close();
    Objects.requireNonNull(running).close();
  }
}
