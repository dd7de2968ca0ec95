/**
 * Every operation of the SPI in plain Java, in float64, as simple as it can be written: the judge
 * of every other backend. Speed is no aim here.
 */
@NullMarked
package dev.wisp.backend.reference;

import org.jspecify.annotations.NullMarked;
