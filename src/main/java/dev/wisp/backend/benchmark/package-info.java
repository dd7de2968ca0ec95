/**
 * Timed calls of the backend interface at the paper's sizes, for {@code wisp bench}: the same list
 * on every device.
 */
@NullMarked
package dev.wisp.backend.benchmark;

import org.jspecify.annotations.NullMarked;
