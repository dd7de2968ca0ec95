/**
 * A run as one page: what is collected from its files, how it is drawn, and the server that shows
 * it while it grows.
 */
@NullMarked
package dev.wisp.report;

import org.jspecify.annotations.NullMarked;
