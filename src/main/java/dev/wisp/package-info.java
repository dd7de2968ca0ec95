/** Wisp's library facade. */
@NullMarked
package dev.wisp;

import org.jspecify.annotations.NullMarked;
