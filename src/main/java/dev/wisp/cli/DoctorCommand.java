package dev.wisp.cli;

import dev.wisp.pipeline.Doctor;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code wisp doctor}. */
@Command(
    name = "doctor",
    description = "Print what a bug report needs, each gap with its remedy.",
    footer = {"", "Example: wisp doctor --threads 2"})
final class DoctorCommand extends Task {
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Override
  int run() {
    PrintWriter out = out();
    Doctor.Report report = Doctor.examine(Main.Version.number(), device.device, device.threads);
    report.facts().forEach((name, value) -> out.printf("%-14s %s%n", name + ":", value));
    for (Doctor.Gap gap : report.gaps()) {
      out.printf("%s %s: %s%n", gap.blocking() ? "problem" : "note   ", gap.what(), gap.remedy());
    }
    boolean blocked = report.gaps().stream().anyMatch(Doctor.Gap::blocking);
    out.println(
        blocked
            ? "Wisp cannot compute as asked until the problems are solved."
            : "Wisp can compute here.");
    return blocked ? ExitCodes.USER : ExitCodes.OK;
  }
}
