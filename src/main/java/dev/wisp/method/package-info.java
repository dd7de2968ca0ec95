/**
 * AE-SIPE itself (Im, An, Lee, J. Broadcast Engineering 29(1), 2024) over its baseline SIPE (Chen
 * et al., CVPR 2022): class activation maps, structure analysis, prototypes, affinity enhancement,
 * the losses, and the fusion of scales.
 */
@NullMarked
package dev.wisp.method;

import org.jspecify.annotations.NullMarked;
