package dev.wisp.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.UsageMessageSpec;

/** Lists the commands in groups instead of one long list. */
final class GroupedHelp {
  static final Map<String, List<String>> GROUPS = groups();

  private GroupedHelp() {}

  private static Map<String, List<String>> groups() {
    Map<String, List<String>> groups = new LinkedHashMap<>();
    groups.put("Try it", List.of("demo", "doctor", "selftest", "bench"));
    groups.put("Data", List.of("synth", "convert"));
    groups.put("Learn", List.of("pretrain", "train", "deeplab"));
    groups.put("Use", List.of("pipeline", "label", "crf", "irn", "segment", "eval", "ablate"));
    groups.put("Look", List.of("report", "serve"));
    return groups;
  }

  static void install(CommandLine line) {
    line.getHelpSectionMap().remove(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING);
    line.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, help -> render(line));
  }

  private static String render(CommandLine line) {
    StringBuilder text = new StringBuilder();
    GROUPS.forEach(
        (group, names) -> {
          text.append("%n%s:%n".formatted(group));
          for (String name : names) {
            CommandLine command = line.getSubcommands().get(name);
            if (command != null) {
              String[] description = command.getCommandSpec().usageMessage().description();
              text.append("  %-10s %s%n".formatted(name, description[0]));
            }
          }
        });
    return text.toString();
  }
}
