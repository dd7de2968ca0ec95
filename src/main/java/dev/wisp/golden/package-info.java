/**
 * Vectors from running the authors' code, and how a backend is compared with them. The vectors are
 * not part of Wisp: their folder is named by the user.
 */
@NullMarked
package dev.wisp.golden;

import org.jspecify.annotations.NullMarked;
