/** The command line: parses, calls, prints; no logic of its own. */
@NullMarked
package dev.wisp.cli;

import org.jspecify.annotations.NullMarked;
