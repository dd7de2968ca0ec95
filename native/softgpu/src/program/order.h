/*
 * Orders the basic blocks of a function so that lanes of a warp which part meet again as early as
 * they can: a block comes after its predecessors, except along the back edges of loops, and the
 * blocks of a loop stand together (a weak topological order: Bourdoncle, "Efficient chaotic
 * iteration strategies with widenings", 1993).
 */
#ifndef SOFTGPU_PROGRAM_ORDER_H
#define SOFTGPU_PROGRAM_ORDER_H

#include <cstdint>
#include <vector>

namespace softgpu {

using Graph = std::vector<std::vector<uint32_t>>; /* successors of each block; block 0 is the entry */

/* place[b]: of block b in the order. */
std::vector<uint32_t> weak_topological_order(const Graph& successors);

/* The nearest block that stands on every way from b to the end, or ~0. A block without successors
   leads to the end. */
std::vector<uint32_t> post_dominators(const Graph& successors);

}  // namespace softgpu

#endif
