/**
 * The conformance suite: every operation of a backend against the float64 reference over listed and
 * seeded odd shapes. A backend is done when the suite is green.
 */
@NullMarked
package dev.wisp.backend.conformance;

import org.jspecify.annotations.NullMarked;
