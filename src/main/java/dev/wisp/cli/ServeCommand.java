package dev.wisp.cli;

import dev.wisp.report.ReportServer;
import dev.wisp.report.RunCollector;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp serve}. */
@Command(
    name = "serve",
    description = {"Show a run in a browser of this machine while it trains; ends with Ctrl-C."},
    footer = {"", "Example: wisp serve runs/demo"})
final class ServeCommand extends Task {
  @Mixin private ShownRun run = new ShownRun();

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8790",
      description = "Port on the loopback address; 0 for any (default: ${DEFAULT-VALUE}).")
  private int port;

  @Override
  int run() {
    requireRange("--port", port, 0, 65_535);
    try (ReportServer server =
        ReportServer.start(run.folder, run.dataset(), RunCollector.Limits.STANDARD, port)) {
      // The signal ends the process; requests that are under way end first.
      Runtime.getRuntime().addShutdownHook(new Thread(server::close));
      out().printf("%s shows %s; Ctrl-C ends it%n", server.address(), run.folder);
      out().flush();
      new CountDownLatch(1).await();
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
    return ExitCodes.OK;
  }
}
