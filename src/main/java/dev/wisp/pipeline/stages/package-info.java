/** Stages that depend on each other through files: what changed is done again, the rest is not. */
@NullMarked
package dev.wisp.pipeline.stages;

import org.jspecify.annotations.NullMarked;
