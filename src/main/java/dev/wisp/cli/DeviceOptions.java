package dev.wisp.cli;

import picocli.CommandLine.Option;

/** Where a command computes. */
final class DeviceOptions {
  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "auto",
      description =
          "auto, cpu, cuda, or one card by its number, cuda:1 (default: ${DEFAULT-VALUE}).")
  String device = "auto";

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads on the cpu; 0 for one per core (default: ${DEFAULT-VALUE}).")
  int threads;
}
