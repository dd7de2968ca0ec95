package dev.wisp.nn;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.ResizedChannels;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.ConvSpec;
import dev.wisp.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Atrous spatial pyramid pooling (Chen et al., arXiv 1706.05587, section 3.3): a 1x1 convolution,
 * dilated 3x3 convolutions and the image's mean, side by side, then a 1x1 convolution; each with
 * norm and ReLU. torchvision's names.
 */
final class Aspp implements AutoCloseable {
  private final int channels;
  private final List<ConvNorm> branches = new ArrayList<>();
  private final ConvNorm pooling;
  private final ConvNorm project;

  /**
   * A module.
   *
   * @param name such as {@code classifier.0}
   * @param in channels of its input
   * @param channels of each branch and of the result
   * @param rates dilations of the 3x3 convolutions
   */
  Aspp(ParameterFactory factory, String name, int in, int channels, List<Integer> rates) {
    this.channels = channels;
    branches.add(layer(factory, name + ".convs.0", 0, ConvSpec.pointwise(in, channels)));
    for (int i = 0; i < rates.size(); i++) {
      int rate = rates.get(i);
      branches.add(
          layer(
              factory,
              name + ".convs." + (i + 1),
              0,
              new ConvSpec(in, channels, 3, 1, rate, rate)));
    }
    int last = rates.size() + 1;
    pooling = layer(factory, name + ".convs." + last, 1, ConvSpec.pointwise(in, channels));
    int joined = (last + 1) * channels;
    project = layer(factory, name + ".project", 0, ConvSpec.pointwise(joined, channels));
  }

  /** A convolution and its norm, number {@code index} and the next of a sequence. */
  static ConvNorm layer(ParameterFactory factory, String name, int index, ConvSpec spec) {
    return new ConvNorm(
        factory, name + "." + index, name + "." + (index + 1), spec, Parameter.Group.NEW);
  }

  /**
   * {@code [N, h, w, channels]}; lets go of x.
   *
   * @param live see {@link ConvNorm#forwardLive}; needs two images or more
   */
  Var forward(Tape tape, Var x, boolean live, DeepLabHead.Observer observer) {
    Shape s = x.value().shape();
    ResizedChannels parts =
        new ResizedChannels(
            tape, s.size(0), s.size(1), s.size(2), (branches.size() + 1L) * channels);
    for (int i = 0; i < branches.size(); i++) {
      add(parts, branches.get(i).run(tape, x, null, true, live), i, observer);
    }
    Var mean = FeatureFunctions.pooled(tape, x);
    x.release();
    Var pooled = pooling.run(tape, mean, null, true, live);
    mean.release();
    add(parts, pooled, branches.size(), observer);
    Var joined = parts.finish();
    Var y = project.run(tape, joined, null, true, live);
    joined.release();
    observer.see("aspp", y.value());
    return y;
  }

  private static void add(
      ResizedChannels parts, Var branch, int index, DeepLabHead.Observer observer) {
    observer.see("aspp.convs." + index, branch.value());
    parts.add(branch);
    branch.release();
  }

  void freeze() {
    branches.forEach(ConvNorm::freeze);
    pooling.freeze();
    project.freeze();
  }

  @Override
  public void close() {
    branches.forEach(ConvNorm::close);
    pooling.close();
    project.close();
  }
}
