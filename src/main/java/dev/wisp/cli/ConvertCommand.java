package dev.wisp.cli;

import dev.wisp.pipeline.Conversion;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code wisp convert}. */
@Command(
    name = "convert",
    description = {
      "Turn weights (.pth, .safetensors) into .safetensors, .pth, .npz or .onnx.",
      "Only a DeepLabV3 goes to .onnx, as a network of one input and one output."
    },
    footer = {"", "Example: wisp convert resnet101-63fe2227.pth resnet101.safetensors"})
final class ConvertCommand extends Task {
  @Parameters(
      paramLabel = "FROM",
      description = "A .pth (zip or legacy form) or .safetensors file.")
  private Path from = Path.of("");

  @Parameters(paramLabel = "TO", description = "File to make: .safetensors, .pth, .npz or .onnx.")
  private Path to = Path.of("");

  @Option(names = "--force", description = "Replace the target.")
  private boolean force;

  @Override
  int run() {
    out().printf("%d tensors in %s%n", Conversion.run(from, to, force), to);
    return ExitCodes.OK;
  }
}
