package dev.wisp.report;

import dev.wisp.backend.Backend;
import dev.wisp.data.synth.SynthOptions;
import dev.wisp.pipeline.Demo;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Progress;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Recipes;
import java.nio.file.Path;
import java.util.List;

/** A demo of seconds, for tests of what is shown of a run. */
final class DemoRun {
  /** Scored images. */
  static final int IMAGES = 6;

  private DemoRun() {}

  static Demo.Result in(Path folder) {
    Recipe recipe =
        Recipes.load(
            "demo",
            List.of(
                "training.epochs=1",
                "training.batch=4",
                "training.crop=48",
                "training.longSideLow=40",
                "training.longSideHigh=56",
                "pretraining.epochs=2",
                "pretraining.batch=4",
                "pretraining.crop=48",
                "pretraining.longSideLow=40",
                "pretraining.longSideHigh=56",
                "labelling.scales=[1.0]"));
    SynthOptions synth = new SynthOptions(48, 8, IMAGES, 5, recipe.seed());
    try (Backend backend = Devices.open("cpu", 1)) {
      return Demo.run(backend, new Demo.Request(folder, recipe, synth, true), Progress.NONE);
    }
  }
}
