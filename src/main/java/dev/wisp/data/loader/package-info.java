/** Batches in a fixed order, prepared ahead by a few threads. */
@NullMarked
package dev.wisp.data.loader;

import org.jspecify.annotations.NullMarked;
