package dev.wisp.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.slf4j.LoggerFactory;

/** Points logback at the command line's own configuration: plain lines on the error stream. */
final class Logging {
  private static final String PROPERTY = "logback.configurationFile";

  /** Else JavaCPP prints its warnings itself. */
  private static final String JAVACPP = "org.bytedeco.javacpp.logger";

  private Logging() {}

  /** Before the first logger; a configuration that the user names wins. */
  static void configure() {
    if (System.getProperty(PROPERTY) == null) {
      System.setProperty(PROPERTY, "dev/wisp/cli/logback.xml");
    }
    if (System.getProperty(JAVACPP) == null) {
      System.setProperty(JAVACPP, "slf4j");
    }
  }

  static void verbose() {
    if (LoggerFactory.getLogger("dev.wisp") instanceof Logger logger) {
      logger.setLevel(Level.DEBUG);
    }
  }
}
