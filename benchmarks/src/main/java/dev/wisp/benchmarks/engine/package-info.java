/** The same workloads through Wisp's own interfaces. */
@NullMarked
package dev.wisp.benchmarks.engine;

import org.jspecify.annotations.NullMarked;
