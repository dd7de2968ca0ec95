/** What every layer may use: user errors and the counter-based random numbers. */
@NullMarked
package dev.wisp.common;

import org.jspecify.annotations.NullMarked;
