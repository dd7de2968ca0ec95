/** A backend that computes nothing and counts memory. */
@NullMarked
package dev.wisp.backend.plan;

import org.jspecify.annotations.NullMarked;
