package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.pipeline.Recipes;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code wisp report} and {@code wisp serve}. */
class ReportCommandTest {
  @TempDir private Path folder;
  private Path run = Path.of("");

  @BeforeEach
  void writeARun() throws IOException {
    run = Files.createDirectories(folder.resolve("run"));
    Files.writeString(run.resolve("recipe.yaml"), Recipes.write(Recipes.load("demo", List.of())));
    Files.writeString(run.resolve("metrics.jsonl"), "{\"step\":1,\"loss\":0.75}\n");
  }

  @Test
  void aReportIsWrittenIntoTheRunAndItsTablesArePrinted() {
    String out = wisp("report", run.toString()).ok().out();
    assertThat(out)
        .contains("### Table 1", "### Table 2", "### Table 3", "published: PASCAL VOC 2012 train")
        .contains("report: " + run.resolve("report.html"));
    assertThat(run.resolve("report.html")).content().contains("<h2>Curves</h2>");
  }

  @Test
  void imagesThatATrainingSkippedAreListed() throws IOException {
    Files.writeString(
        run.resolve("metrics.jsonl"),
        "{\"step\":1,\"loss\":1}\n{\"step\":1,\"skipped\":\"cat\",\"reason\":\"cat.jpg: gone\"}\n");
    CliSupport.Outcome outcome =
        wisp("report", run.toString(), "--out", folder.resolve("page.html").toString());
    assertThat(outcome.code()).isEqualTo(ExitCodes.SKIPPED);
    assertThat(outcome.err()).contains("cat: cat.jpg: gone");
    assertThat(folder.resolve("page.html")).content().contains("Skipped images", "cat.jpg: gone");
  }

  @Test
  void wrongFoldersOptionsAndPortsAreNamedInOneLine() throws IOException {
    Path empty = Files.createDirectories(folder.resolve("empty"));
    assertThat(wisp("report", empty.toString()).error()).contains("holds no run");
    assertThat(wisp("report", run.toString(), "--images", "-1").error()).contains("--images is -1");
    assertThat(wisp("report", run.toString(), "--list", "val").error()).contains("--data");
    assertThat(wisp("serve", folder.resolve("none").toString()).error()).contains("no such folder");
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThat(wisp("serve", run.toString(), "--port", "" + taken.getLocalPort()).error())
          .contains("port " + taken.getLocalPort(), "--port");
    }
  }

  @Test
  void aServedRunEndsCleanlyWhenItIsTold() throws Exception {
    Process process =
        CliSupport.process(List.of("serve", run.toString(), "--port", "0"))
            .redirectError(folder.resolve("errors.txt").toFile())
            .start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      String line = String.valueOf(out.readLine());
      assertThat(line).matches("http://127\\.0\\.0\\.1:\\d+/ shows .*; Ctrl-C ends it");
      URI address = URI.create(line.substring(0, line.indexOf(' ')));
      try (var page = address.toURL().openStream()) {
        assertThat(new String(page.readAllBytes(), StandardCharsets.UTF_8)).contains("Curves");
      }
      // Not the interrupt of Ctrl-C, which a build in the background may have switched off.
      assertThat(process.toHandle().destroy()).isTrue();
      assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).isEqualTo(128 + 15);
      assertThat(out.readLine()).isNull();
      assertThat(folder.resolve("errors.txt")).content().doesNotContain("Exception", "\tat ");
    } finally {
      process.destroyForcibly();
    }
  }
}
