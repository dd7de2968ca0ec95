package dev.wisp.method;

import dev.wisp.autograd.ResizedChannels;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.nn.Conv;
import dev.wisp.nn.ConvGroupNorm;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.Parameter.Group;
import dev.wisp.nn.ParameterFactory;
import dev.wisp.nn.ResNet;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * IRN's two branches over five taps of the encoder (method.md section 10; the release's names).
 * Where the release crops an enlarged map and then applies ReLU, ReLU comes after the concatenation
 * here: the same numbers in one pass.
 */
final class IrnHead implements AutoCloseable {
  /**
   * What the taps become.
   *
   * @param boundary logits, {@code [N, h, w, 1]}
   * @param displacement {@code [N, h, w, 2]}, the mean not yet taken away
   */
  record Output(Var boundary, Var displacement) {}

  private static final int EDGE = 32;
  private static final int EDGE_GROUPS = 4;
  private static final int[] WIDTHS = {64, 128, 256, 256, 256};
  private static final int[] GROUPS = {8, 16, 16, 16, 16};
  private static final int MIXED = 256;
  private static final int TAPS = 5;

  private final ResNetConfig encoder;
  private final List<ConvGroupNorm> edges = new ArrayList<>();
  private final Conv boundary;
  private final List<ConvGroupNorm> displacements = new ArrayList<>();
  private final ConvGroupNorm deep;
  private final ConvGroupNorm mixed;
  private final Conv displacement;
  private final List<Parameter> parameters;

  IrnHead(ParameterFactory factory, ResNetConfig encoder) {
    this.encoder = encoder;
    int first = factory.parameters().size();
    for (int n = 1; n <= TAPS; n++) {
      int in = n == 1 ? encoder.stemChannels() : encoder.channels(n - 1);
      edges.add(new ConvGroupNorm(factory, "fc_edge" + n, Group.BOUNDARY, in, EDGE, EDGE_GROUPS));
    }
    boundary = new Conv(factory, "fc_edge6", Group.BOUNDARY, TAPS * EDGE, 1, true);
    for (int n = 1; n <= TAPS; n++) {
      int in = n == 1 ? encoder.stemChannels() : encoder.channels(n - 1);
      displacements.add(
          new ConvGroupNorm(
              factory, "fc_dp" + n, Group.DISPLACEMENT, in, WIDTHS[n - 1], GROUPS[n - 1]));
    }
    int joined = WIDTHS[2] + WIDTHS[3] + WIDTHS[4];
    deep = new ConvGroupNorm(factory, "fc_dp6", Group.DISPLACEMENT, joined, MIXED, 16);
    int all = WIDTHS[0] + WIDTHS[1] + MIXED;
    mixed = new ConvGroupNorm(factory, "fc_dp7", Group.DISPLACEMENT, all, MIXED, 16);
    displacement = new Conv(factory, "fc_dp7.3", Group.DISPLACEMENT, MIXED, 2, false);
    List<Parameter> made = factory.parameters();
    parameters = List.copyOf(made.subList(first, made.size()));
  }

  /**
   * Random weights: convolutions and their biases uniform within one over the root of their inputs,
   * norms at the identity.
   */
  void initialize(long seed) {
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      if (parameter.shape().rank() == 4) {
        Head.initialize(parameter, seed, i);
      } else {
        float[] values = new float[Math.toIntExact(parameter.shape().elements())];
        Arrays.fill(values, parameter.name().endsWith("weight") ? 1 : 0);
        parameter.set(values);
      }
    }
  }

  /** The boundary branch alone; see {@link #both}. */
  Var boundary(Tape tape, ResNet.Features taps, IrnNet.Observer observer) {
    Var first = taps.next();
    observer.see("x1", first.value());
    Var second = taps.next();
    observer.see("x2", second.value());
    ResizedChannels joined = joined(tape, second, TAPS * EDGE);
    Var[] inputs = {first, second};
    for (int n = 0; n < TAPS; n++) {
      Var x = n < inputs.length ? inputs[n] : tap(taps, n, observer);
      addEdge(tape, joined, n, x);
      x.release();
    }
    return logits(tape, joined, observer);
  }

  /** Both branches; takes over the taps. */
  Output both(Tape tape, ResNet.Features taps, IrnNet.Observer observer) {
    Var first = taps.next();
    observer.see("x1", first.value());
    Var second = taps.next();
    observer.see("x2", second.value());
    ResizedChannels edge = joined(tape, second, TAPS * EDGE);
    ResizedChannels shallow = joined(tape, second, WIDTHS[0] + WIDTHS[1] + MIXED);
    addBoth(tape, edge, 0, shallow, first);
    addBoth(tape, edge, 1, shallow, second);
    Var third = tap(taps, 2, observer);
    ResizedChannels joint = joined(tape, third, WIDTHS[2] + WIDTHS[3] + WIDTHS[4]);
    addBoth(tape, edge, 2, joint, third);
    addBoth(tape, edge, 3, joint, tap(taps, 3, observer));
    addBoth(tape, edge, 4, joint, tap(taps, 4, observer));
    Var deepInput = joint.finish(true);
    observer.see("deep", deepInput.value());
    Var enlarged = deep.forward(tape, deepInput, false);
    deepInput.release();
    shallow.addEnlarged(enlarged, stride(2) / stride(1));
    enlarged.release();
    Var mixedInput = shallow.finish(true);
    observer.see("displacements", mixedInput.value());
    Var mix = mixed.forward(tape, mixedInput, true);
    mixedInput.release();
    Var vectors = displacement.forward(tape, mix);
    mix.release();
    return new Output(logits(tape, edge, observer), vectors);
  }

  private static Var tap(ResNet.Features taps, int n, IrnNet.Observer observer) {
    Var x = taps.next();
    observer.see("x" + (n + 1), x.value());
    return x;
  }

  private static ResizedChannels joined(Tape tape, Var like, long channels) {
    Shape s = like.value().shape();
    return new ResizedChannels(tape, s.size(0), s.size(1), s.size(2), channels);
  }

  private void addEdge(Tape tape, ResizedChannels edge, int n, Var x) {
    Var part = edges.get(n).forward(tape, x, false);
    edge.addEnlarged(part, stride(n));
    part.release();
  }

  /** Adds one tap to both branches and lets go of it. */
  private void addBoth(Tape tape, ResizedChannels edge, int n, ResizedChannels other, Var x) {
    addEdge(tape, edge, n, x);
    Var part = displacements.get(n).forward(tape, x, false);
    x.release();
    // Of the deep taps the third has the size that they are joined at.
    other.addEnlarged(part, n < 2 ? 1 : stride(n) / stride(2));
    part.release();
  }

  private Var logits(Tape tape, ResizedChannels edge, IrnNet.Observer observer) {
    Var input = edge.finish(true);
    observer.see("edges", input.value());
    Var logits = boundary.forward(tape, input);
    input.release();
    return logits;
  }

  /** Positions of the boundary map per position of a tap, along one axis. */
  private int stride(int tap) {
    int stride = 1;
    for (int layer = 1; layer <= tap; layer++) {
      stride *= encoder.layers().get(layer - 1).stride();
    }
    return stride;
  }

  /** See {@link ResNet#freeze}. */
  void freeze() {
    edges.forEach(ConvGroupNorm::freeze);
    displacements.forEach(ConvGroupNorm::freeze);
    deep.freeze();
    mixed.freeze();
    boundary.freeze();
    displacement.freeze();
  }

  @Override
  public void close() {
    edges.forEach(ConvGroupNorm::close);
    displacements.forEach(ConvGroupNorm::close);
    deep.close();
    mixed.close();
    boundary.close();
    displacement.close();
  }
}
