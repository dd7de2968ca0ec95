/** Stages, run directory, recipes and resuming: what the command line and the facade call. */
@NullMarked
package dev.wisp.pipeline;

import org.jspecify.annotations.NullMarked;
