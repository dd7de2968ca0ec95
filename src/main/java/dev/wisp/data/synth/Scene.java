package dev.wisp.data.synth;

import dev.wisp.common.CounterRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Draws one image: objects of a large body and a small part on a smooth random background with
 * clutter. A body's colour is shared by two or more classes and only the part tells them apart, so
 * a classifier learns the part, while the body can be reached from it by colour affinity; some
 * clutter has a body's colour, so colour alone does not decide.
 *
 * <p>Lengths are in units of 1/128 of the image's side, colours in [0, 1].
 */
final class Scene {
  private static final double[][] BODY = {
    {0.80, 0.35, 0.25}, {0.25, 0.65, 0.35}, {0.30, 0.40, 0.85}
  };
  private static final double[] WHITE = {0.95, 0.95, 0.95};
  private static final double[] BLACK = {0.05, 0.05, 0.05};
  private static final double UNIT = 128;
  private static final double PIXEL_NOISE = 0.02;
  private static final int PLACEMENT_TRIES = 30;

  /** Last part of the path of the decoys' random numbers. */
  private static final int DECOYS = 1;

  /** Side of a decoy in sides of the part of the object that it lies on. */
  private static final double DECOY_SIDE = 0.6;

  private final int size;
  private final int classes;
  private final double decoys;
  private final CounterRandom random;
  private final CounterRandom decoyRandom;
  private final double[] colour;
  private final byte[] mask;
  private final List<double[]> parts = new ArrayList<>();
  private final List<Placed> objects = new ArrayList<>();

  private Scene(SynthOptions options, int subset, int index) {
    this.size = options.size();
    this.classes = options.classes();
    this.decoys = options.decoys();
    this.random = CounterRandom.of(options.seed(), subset, index);
    // Of their own, so that an image is the same with and without decoys but for the patches.
    this.decoyRandom = CounterRandom.of(options.seed(), subset, index, DECOYS);
    this.colour = new double[3 * size * size];
    this.mask = new byte[size * size];
  }

  /** A drawn image. */
  record Drawing(byte[] rgb, byte[] mask, int[] classIds) {}

  /** An object that was drawn. */
  private record Placed(int classId, Ellipse body, double partSide) {}

  /**
   * Draws image {@code index} of a subset.
   *
   * @return HWC RGB bytes, class id per pixel (0 = background), class ids of the objects ascending
   */
  static Drawing draw(SynthOptions options, int subset, int index) {
    return new Scene(options, subset, index).draw();
  }

  private Drawing draw() {
    drawBackground();
    drawClutter(1 + random.nextInt(3));
    int count = 1 + random.nextInt(3);
    int classId = 1 + random.nextInt(classes);
    for (int i = 0; i < count; i++) {
      drawObject(classId);
      boolean companion = random.nextDouble() < 0.4;
      classId = companion ? classId % classes + 1 : 1 + random.nextInt(classes);
    }
    drawDecoys();
    if (random.nextDouble() < 0.5) {
      drawOccluder();
    }
    return new Drawing(quantise(), mask, visible().stream().mapToInt(Integer::intValue).toArray());
  }

  /** Classes with a pixel in the mask, ascending. */
  private TreeSet<Integer> visible() {
    TreeSet<Integer> visible = new TreeSet<>();
    for (byte id : mask) {
      if (id != 0) {
        visible.add((int) id);
      }
    }
    return visible;
  }

  private void drawBackground() {
    double[] base = {random.uniform(0.3, 0.7), random.uniform(0.3, 0.7), random.uniform(0.3, 0.7)};
    SmoothNoise light = new SmoothNoise(random, 4);
    SmoothNoise[] tint = {
      new SmoothNoise(random, 3), new SmoothNoise(random, 3), new SmoothNoise(random, 3)
    };
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        double u = (x + 0.5) / size;
        double v = (y + 0.5) / size;
        for (int c = 0; c < 3; c++) {
          colour[3 * (y * size + x) + c] = base[c] + 0.15 * light.at(u, v) + 0.1 * tint[c].at(u, v);
        }
      }
    }
  }

  private void drawClutter(int boxes) {
    for (int i = 0; i < boxes; i++) {
      double[] fill =
          random.nextDouble() < 0.3
              ? BODY[random.nextInt(BODY.length)].clone()
              : new double[] {random.nextDouble(), random.nextDouble(), random.nextDouble()};
      Ellipse box =
          new Ellipse(
              random.uniform(0, UNIT),
              random.uniform(0, UNIT),
              random.uniform(6, 18),
              random.uniform(6, 18),
              random.uniform(0, Math.PI));
      paintBox(box, fill, new SmoothNoise(random, 4));
    }
  }

  /** A bar in front of everything that leaves every part's centre free. */
  private void drawOccluder() {
    double[] fill = {random.nextDouble(), random.nextDouble(), random.nextDouble()};
    SmoothNoise texture = new SmoothNoise(random, 4);
    for (int i = 0; i < PLACEMENT_TRIES; i++) {
      Ellipse bar =
          new Ellipse(
              random.uniform(0, UNIT),
              random.uniform(0, UNIT),
              random.uniform(15, 40),
              random.uniform(2, 4),
              random.uniform(0, Math.PI));
      if (parts.stream().noneMatch(part -> bar.boxDistance(part[0], part[1]) < part[2])) {
        paintBox(bar, fill, texture);
        return;
      }
    }
  }

  private void paintBox(Ellipse box, double[] fill, SmoothNoise texture) {
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        if (box.boxDistance(unit(x), unit(y)) <= 0) {
          paint(x, y, fill, 0.08 * texture.at((x + 0.5) / size, (y + 0.5) / size), 0);
        }
      }
    }
  }

  private void drawObject(int classId) {
    double[] tone = BODY[(classId - 1) % BODY.length].clone();
    for (int c = 0; c < 3; c++) {
      tone[c] += random.uniform(-0.04, 0.04);
    }
    SmoothNoise texture = new SmoothNoise(random, 6);
    double partSide = random.uniform(12, 17);
    for (int i = 0; i < PLACEMENT_TRIES; i++) {
      double a = random.uniform(18, 36);
      double b = a * random.uniform(0.6, 1);
      Ellipse body =
          new Ellipse(
              random.uniform(20, UNIT - 20),
              random.uniform(20, UNIT - 20),
              a,
              b,
              random.uniform(0, Math.PI));
      double angle = random.uniform(0, 2 * Math.PI);
      double reach = random.uniform(0, 1) * (b - partSide * 0.75);
      double px = body.x + Math.max(0, reach) * StrictMath.cos(angle);
      double py = body.y + Math.max(0, reach) * StrictMath.sin(angle);
      boolean inside = Math.min(px, py) > 10 && Math.max(px, py) < UNIT - 10;
      boolean hidesAPart = parts.stream().anyMatch(p -> body.distance(p[0], p[1]) < p[2]);
      if (inside && !hidesAPart) {
        paintObject(classId, body, tone, texture, px, py, partSide);
        objects.add(new Placed(classId, body, partSide));
        parts.add(new double[] {px, py, partSide * 0.75});
        return;
      }
    }
  }

  private void paintObject(
      int classId,
      Ellipse body,
      double[] tone,
      SmoothNoise texture,
      double px,
      double py,
      double side) {
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        double ux = unit(x);
        double uy = unit(y);
        if (Math.abs(ux - px) <= side / 2 && Math.abs(uy - py) <= side / 2) {
          boolean bright = PartPattern.white(classId - 1, ux - px, uy - py);
          paint(x, y, bright ? WHITE : BLACK, 0, classId);
        } else if (body.distance(ux, uy) <= 0) {
          double shade = 0.08 * texture.at((x + 0.5) / size, (y + 0.5) / size);
          paint(x, y, tone, shade, classId);
        }
      }
    }
  }

  /** Plants wrong seeds: another visible class's pattern on a body, whose class stays. */
  private void drawDecoys() {
    for (Placed object : objects) {
      List<Integer> others = visible().stream().filter(id -> id != object.classId).toList();
      if (!others.isEmpty() && decoyRandom.nextDouble() < decoys) {
        drawDecoy(object, others.get(decoyRandom.nextInt(others.size())));
      }
    }
  }

  private void drawDecoy(Placed object, int pattern) {
    double side = DECOY_SIDE * object.partSide;
    Ellipse body = object.body;
    for (int i = 0; i < PLACEMENT_TRIES; i++) {
      double cx = body.x + decoyRandom.uniform(-body.a, body.a);
      double cy = body.y + decoyRandom.uniform(-body.a, body.a);
      boolean onBody = body.distance(cx, cy) < -side / 2 && maskAt(cx, cy) == object.classId;
      boolean nearAPart =
          parts.stream().anyMatch(p -> Math.hypot(cx - p[0], cy - p[1]) < p[2] + 0.75 * side);
      if (onBody && !nearAPart) {
        paintPattern(pattern, object.classId, cx, cy, side);
        return;
      }
    }
  }

  /** Class of a point, the background outside the image. */
  private int maskAt(double px, double py) {
    int x = (int) Math.floor(px * size / UNIT);
    int y = (int) Math.floor(py * size / UNIT);
    return x < 0 || y < 0 || x >= size || y >= size ? 0 : mask[y * size + x];
  }

  /** Paints a square of a class's pattern on pixels of one class of the mask, which they keep. */
  private void paintPattern(int pattern, int classId, double px, double py, double side) {
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        double dx = unit(x) - px;
        double dy = unit(y) - py;
        if (Math.max(Math.abs(dx), Math.abs(dy)) <= side / 2 && mask[y * size + x] == classId) {
          boolean bright = PartPattern.white(pattern - 1, dx, dy);
          paint(x, y, bright ? WHITE : BLACK, 0, classId);
        }
      }
    }
  }

  private void paint(int x, int y, double[] fill, double shade, int classId) {
    int pixel = y * size + x;
    for (int c = 0; c < 3; c++) {
      colour[3 * pixel + c] = fill[c] + shade;
    }
    mask[pixel] = (byte) classId;
  }

  private byte[] quantise() {
    byte[] rgb = new byte[colour.length];
    for (int i = 0; i < rgb.length; i++) {
      double noisy = colour[i] + PIXEL_NOISE * gaussian();
      rgb[i] = (byte) Math.round(Math.clamp(noisy, 0, 1) * 255);
    }
    return rgb;
  }

  /** Near-normal noise from four uniforms: the same bits on every machine, and fast. */
  private double gaussian() {
    long bits = random.nextLong();
    int sum =
        (int) (bits & 0xFFFF)
            + (int) (bits >>> 16 & 0xFFFF)
            + (int) (bits >>> 32 & 0xFFFF)
            + (int) (bits >>> 48);
    return (sum / 65536.0 - 2) * Math.sqrt(3);
  }

  private double unit(int pixel) {
    return (pixel + 0.5) * UNIT / size;
  }

  /** A tilted ellipse, or the box around it. */
  private record Ellipse(double x, double y, double a, double b, double cos, double sin) {
    Ellipse(double x, double y, double a, double b, double tilt) {
      this(x, y, a, b, StrictMath.cos(tilt), StrictMath.sin(tilt));
    }

    /** At most 0 inside; outside about the distance to the ellipse. */
    double distance(double px, double py) {
      double u = along(px, py) / a;
      double v = across(px, py) / b;
      return (Math.sqrt(u * u + v * v) - 1) * Math.min(a, b);
    }

    /** At most 0 inside the box; outside the larger of the two distances to its sides. */
    double boxDistance(double px, double py) {
      return Math.max(Math.abs(along(px, py)) - a, Math.abs(across(px, py)) - b);
    }

    private double along(double px, double py) {
      return (px - x) * cos + (py - y) * sin;
    }

    private double across(double px, double py) {
      return (py - y) * cos - (px - x) * sin;
    }
  }
}
