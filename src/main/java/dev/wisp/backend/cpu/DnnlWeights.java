package dev.wisp.backend.cpu;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.support.BlockPool;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Weights in the layouts the primitives asked for. The first layout asked for is filled straight
 * from the plain weights at every load, with the scale applied on the way; the others are made from
 * it when next needed. So a load costs one pass, a training step two, and no plain copy is kept.
 */
final class DnnlWeights implements ConvWeights {
  /** More layouts than these are never alive; passes and photo sizes rarely disagree on more. */
  private static final int MAX_COPIES = 4;

  private final DnnlConvolutions owner;
  private final ConvSpec spec;
  private final List<Packed> copies = new ArrayList<>();
  private boolean loaded;
  private boolean closed;

  /** One copy; {@code stale} when it holds an older load. */
  private static final class Packed {
    final DnnlLayout layout;
    final BlockPool.Block<MemorySegment> block;
    boolean stale;

    Packed(DnnlLayout layout, BlockPool.Block<MemorySegment> block) {
      this.layout = layout;
      this.block = block;
    }
  }

  DnnlWeights(DnnlConvolutions owner, ConvSpec spec) {
    this.owner = owner;
    this.spec = spec;
  }

  @Override
  public ConvSpec spec() {
    return spec;
  }

  DnnlConvolutions owner() {
    return owner;
  }

  /** Refuses a closed holder, and one without weights where they are needed. */
  void require(String operation, boolean needsWeights) {
    if (closed) {
      throw new IllegalStateException(operation + ": the weights of " + spec + " are closed");
    }
    if (needsWeights && !loaded) {
      throw new IllegalStateException(operation + ": no weights of " + spec + " are loaded");
    }
  }

  /**
   * @param weight {@code [O, I, kH, kW]} in row-major order
   * @param scale {@code [O]} or null
   */
  void load(MemorySegment weight, @Nullable MemorySegment scale) {
    DnnlLayout plain = owner.plain(spec);
    if (copies.isEmpty()) {
      copies.add(allocate(plain));
    }
    loaded = false;
    Packed first = copies.getFirst();
    owner.rearrange(spec, plain, weight, scale, first.layout, first.block.memory());
    copies.forEach(copy -> copy.stale = copy != first);
    loaded = true;
  }

  /** The current weights in a layout, valid until the next load or close. */
  MemorySegment in(DnnlLayout layout) {
    Packed source = copies.getFirst();
    for (int i = 0; i < copies.size(); i++) {
      Packed copy = copies.get(i);
      if (copy.layout == layout) {
        if (copy.stale) {
          convert(source, copy);
        }
        return copy.block.memory();
      }
    }
    Packed made = allocate(layout);
    convert(source, made);
    if (source.layout == owner.plain(spec)) {
      // Nobody asked for the plain order: it only held the weights until a layout was known.
      copies.removeFirst();
      source.block.free();
      copies.addFirst(made);
    } else {
      if (copies.size() == MAX_COPIES) {
        copies.remove(1).block.free();
      }
      copies.add(made);
    }
    return made.block.memory();
  }

  private void convert(Packed from, Packed to) {
    owner.rearrange(spec, from.layout, from.block.memory(), null, to.layout, to.block.memory());
    to.stale = false;
  }

  private Packed allocate(DnnlLayout layout) {
    return new Packed(layout, owner.allocate(layout.bytes()));
  }

  /** Bytes of all copies. */
  long bytes() {
    return copies.stream().mapToLong(copy -> copy.layout.bytes()).sum();
  }

  @Override
  public void close() {
    owner.closeWeights(this);
  }

  /** On the compute thread, once. */
  void release() {
    closed = true;
    copies.forEach(copy -> copy.block.free());
    copies.clear();
  }
}
