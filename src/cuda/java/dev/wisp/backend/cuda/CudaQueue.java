package dev.wisp.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Work on its way to a backend's stream: kernels and cuDNN's calls are collected with all their
 * arguments, addresses included, and put on the stream some dozens at a time. Where {@link
 * CudaGraphs} has a graph of exactly this work, that is launched in their place. Everything else
 * that uses the stream asks for it with {@link CudaSession#stream}, behind what was collected
 * before. For the compute thread alone.
 *
 * <p>A piece ends where the work itself says so, as chunks of a file do that are found again after
 * an insertion: after a step whose part varies with its labels the pieces fall on the same places.
 */
final class CudaQueue {
  /** Least pieces of work worth a graph. */
  static final int SHORTEST = 8;

  /** Most pieces of work that wait: the card stands idle meanwhile. */
  static final int LONGEST = 128;

  /** One in so many ends a collection. */
  private static final int ENDS = 16;

  private static final int MOST_ARGUMENTS = 64;

  private final CudaStatus status;
  private final @Nullable CudaGraphs graphs;
  private final Arena arena = Arena.ofAuto();
  private final MemorySegment arguments = arena.allocate(ValueLayout.JAVA_LONG, MOST_ARGUMENTS);
  private final MemorySegment pointers = arena.allocate(ValueLayout.ADDRESS, MOST_ARGUMENTS);
  private final Work[] works = new Work[LONGEST];
  private final int[] starts = new int[LONGEST];

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final @Nullable Supplier<String>[] operations = new Supplier[LONGEST];

  private int count;
  private final List<Runnable> afterwards = new ArrayList<>();
  private long[] words = new long[LONGEST * 16];
  private int used;
  private boolean issuing;

  /** Something that can be put on the stream. */
  interface Work {
    /**
     * Puts it on the stream.
     *
     * @param words what was given when it was collected, from {@code at} on
     */
    void issue(long[] words, int at);

    /** For messages; equal work has equal names in every process. */
    String name();
  }

  /**
   * An empty queue.
   *
   * @param graphs null to put everything on the stream at once
   */
  CudaQueue(CudaStatus status, @Nullable CudaGraphs graphs) {
    this.status = status;
    this.graphs = graphs;
    for (int i = 0; i < MOST_ARGUMENTS; i++) {
      pointers.setAtIndex(
          ValueLayout.ADDRESS, i, arguments.asSlice((long) i * Long.BYTES, Long.BYTES));
    }
  }

  /**
   * Makes room for work, of which everything that decides what it does is to be put into {@link
   * #words} from the result on: equal words of equal work do the same. {@link #added} ends it.
   *
   * @param length number of words
   */
  int add(Work work, int length) {
    if (used + length > words.length) {
      words = Arrays.copyOf(words, Math.max(2 * words.length, used + length));
    }
    works[count] = work;
    starts[count] = used;
    operations[count++] = status.during();
    used += length;
    return used - length;
  }

  /** The words of what was added. */
  long[] words() {
    return words;
  }

  /**
   * Ends an addition.
   *
   * @param form what of the work is the same in every process, such as a grid: decides where a
   *     collection ends
   */
  void added(int form) {
    int mixed = 31 * works[count - 1].name().hashCode() + form;
    mixed ^= mixed >>> 16;
    if (graphs == null
        || count == LONGEST
        || count >= SHORTEST && Integer.remainderUnsigned(mixed, ENDS) == 0) {
      flush();
    }
  }

  /** Adds work in one go. */
  void add(Work work, int form, long... content) {
    int at = add(work, content.length);
    System.arraycopy(content, 0, words, at, content.length);
    added(form);
  }

  /** Gives something back that collected work may still use: behind it, or now if there is none. */
  void afterwards(Runnable task) {
    if (count == 0) {
      task.run();
    } else {
      afterwards.add(task);
    }
  }

  /** Puts what was collected on the stream. A failure drops what comes behind it. */
  void flush() {
    if (issuing || count == 0) {
      return;
    }
    Supplier<String> interrupted = status.during();
    issuing = true;
    try {
      if (graphs == null || count < SHORTEST || !graphs.replay(words, used, this)) {
        issue();
      }
    } finally {
      issuing = false;
      status.during(interrupted);
      drop();
    }
  }

  /** Puts each piece of work on the stream. */
  void issue() {
    for (int i = 0; i < count; i++) {
      status.during(operations[i]);
      works[i].issue(words, starts[i]);
    }
    status.during(null);
  }

  /** What is being put on the stream, for a message. */
  String describe() {
    return "%d launches, %s to %s".formatted(count, works[0].name(), works[count - 1].name());
  }

  /** Forgets what was collected, as when nobody needs its results any more. */
  void drop() {
    Arrays.fill(operations, 0, count, null);
    count = 0;
    used = 0;
    if (!afterwards.isEmpty()) {
      List<Runnable> tasks = List.copyOf(afterwards);
      afterwards.clear();
      tasks.forEach(Runnable::run);
    }
  }

  /** So many arguments of a launch, from words, as the driver takes them; until the next launch. */
  MemorySegment arguments(long[] from, int at, int number) {
    if (number > MOST_ARGUMENTS) {
      throw new IllegalStateException("a kernel with %d arguments".formatted(number));
    }
    MemorySegment.copy(from, at, arguments, ValueLayout.JAVA_LONG, 0, number);
    return pointers;
  }
}
