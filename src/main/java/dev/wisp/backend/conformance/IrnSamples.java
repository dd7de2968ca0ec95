package dev.wisp.backend.conformance;

import dev.wisp.backend.PathIndex;
import java.util.List;

/** {@link Samples} of group norm and of what IRN needs. */
final class IrnSamples {
  private static final float EPS = 1e-5f;
  static final PathIndex PATHS = PathIndex.of(3);

  private IrnSamples() {}

  static List<Sample> all() {
    return List.of(
        Sample.of("groupNormForward")
            .in("x", 2, 3, 4, 6)
            .in("gamma", 6)
            .in("beta", 6)
            .out("y", 2, 3, 4, 6)
            .out("mean", 2, 3)
            .out("invStd", 2, 3)
            .calls((b, w, t) -> b.groupNormForward(t[0], t[1], t[2], EPS, true, t[3], t[4], t[5])),
        Sample.of("groupNormBackward")
            .in("x", 2, 3, 4, 6)
            .in("dy", 2, 3, 4, 6)
            .in("gamma", 6)
            .in("mean", 2, 3)
            .in("invStd", 2, 3)
            .out("dx", 2, 3, 4, 6)
            .out("dgamma", 6)
            .out("dbeta", 6)
            .calls(
                (b, w, t) -> b.groupNormBackward(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7])),
        Sample.of("crop")
            .in("source", 1, 3, 2, 2)
            .free(1, 2)
            .out("target", 1, 3, 2, 2)
            .free(3)
            .calls((b, w, t) -> b.crop(t[0], t[1], 0)),
        Sample.of("cropBackward")
            .in("dTarget", 1, 3, 2, 2)
            .free(3)
            .out("dSource", 1, 3, 2, 2)
            .free(1, 2)
            .calls((b, w, t) -> b.cropBackward(t[0], 0, t[1])),
        Sample.of("sigmoid")
            .in("x", 2, 3)
            .out("out", 2, 3)
            .calls((b, w, t) -> b.sigmoid(t[0], 0.5f, t[1])),
        Sample.of("sigmoidBackward")
            .in("y", 2, 3)
            .in("dy", 2, 3)
            .out("dx", 2, 3)
            .calls((b, w, t) -> b.sigmoidBackward(t[0], t[1], 0.5f, t[2])),
        Sample.of("pairCounts")
            .ints("label", 2, 5, 7)
            .free(1, 2)
            .out("counts", 2, 3)
            .calls((b, w, t) -> b.pairCounts(t[0], PATHS, 2, t[1])),
        Sample.of("pathAffinityLoss")
            .in("boundary", 2, 5, 7)
            .ints("label", 2, 5, 7)
            .out("losses", 2, 3)
            .out("dBoundary", 2, 5, 7)
            .calls((b, w, t) -> b.pathAffinityLoss(t[0], t[1], PATHS, 2, new float[3], t[2], t[3])),
        Sample.of("displacementLoss")
            .in("displacement", 2, 5, 7, 2)
            .ints("label", 2, 5, 7)
            .out("losses", 2, 2)
            .out("dDisplacement", 2, 5, 7, 2)
            .calls((b, w, t) -> b.displacementLoss(t[0], t[1], PATHS, 2, new float[2], t[2], t[3])),
        Sample.of("randomWalk")
            .in("boundary", 4, 5)
            .in("maps", 3, 4, 5)
            .out("out", 3, 4, 5)
            .calls((b, w, t) -> b.randomWalk(t[0], t[1], PATHS, 10, 3, t[2])));
  }
}
