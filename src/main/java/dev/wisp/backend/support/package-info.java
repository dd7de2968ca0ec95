/**
 * What the implementations of {@link dev.wisp.backend.Backend} share: argument checks, the compute
 * thread, the memory pool, and finding native libraries. Not for users of the library.
 */
@NullMarked
package dev.wisp.backend.support;

import org.jspecify.annotations.NullMarked;
