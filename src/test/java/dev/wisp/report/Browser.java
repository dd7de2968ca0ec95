package dev.wisp.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Chromium or Chrome without a window, with a profile of its own and no way to the network. */
record Browser(Path program, Path folder) {
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");

  /** The one on the PATH; skips the test where there is none. */
  static Browser open(Path folder) {
    Optional<Path> found =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .flatMap(place -> NAMES.stream().map(name -> Path.of(place, name)))
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(found.isPresent(), "no browser on the PATH (" + String.join(", ", NAMES) + ")");
    return new Browser(found.orElseThrow(), folder);
  }

  /** What the page's document is after its script has run. */
  String document(Path page) throws IOException, InterruptedException {
    return run("--dump-dom", page.toUri().toString());
  }

  /** A picture of the page's upper part, at one pixel per unit. */
  Path picture(Path page, int width, int height, String... more)
      throws IOException, InterruptedException {
    Path picture = folder.resolve("picture-" + width + ".png");
    List<String> arguments = new ArrayList<>(List.of(more));
    arguments.add("--window-size=" + width + "," + height);
    arguments.add("--screenshot=" + picture);
    arguments.add(page.toUri().toString());
    run(arguments.toArray(String[]::new));
    assertThat(picture).isNotEmptyFile();
    return picture;
  }

  private String run(String... arguments) throws IOException, InterruptedException {
    Path profile = Files.createTempDirectory(folder, "profile");
    List<String> command =
        new ArrayList<>(
            List.of(
                program.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--user-data-dir=" + profile));
    command.addAll(List.of(arguments));
    Path output = profile.resolve("output.txt");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(output.toFile())
            .redirectError(profile.resolve("errors.txt").toFile())
            .start();
    try {
      boolean ended = process.waitFor(5, TimeUnit.MINUTES);
      assertThat(ended).as("the browser ended by itself").isTrue();
      assertThat(process.exitValue()).as(Files.readString(profile.resolve("errors.txt"))).isZero();
      return Files.readString(output);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }
}
