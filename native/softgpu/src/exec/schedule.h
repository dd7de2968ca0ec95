/* Runs the warps of a block, and the barriers between them. */
#ifndef SOFTGPU_EXEC_SCHEDULE_H
#define SOFTGPU_EXEC_SCHEDULE_H

#include "exec/warp.h"

namespace softgpu {

/* Bits of Instr::flags of a barrier. */
constexpr uint32_t kBarArrive = 1, kBarPopc = 2, kBarAnd = 4, kBarOr = 8;

/* bar and barrier: a: number; b: threads or none; c, guard_flip: predicate of a reduction; d: its
   result; aux: its basic block's place in the function's order. */
const Instr* barrier(Warp& w, const Instr* i);
bool is_barrier(const Instr* i);

/* Called by a block's head when the warp has used its fuel. */
const Instr* out_of_fuel(Warp& w, const Instr* i);

/* Copies the results of a function to its caller and gives the caller its registers back; the
   activation is taken off the stack already. */
void finish_call(Warp& w, const Activation& over);

/* Makes room for a launch's block and runs it. */
void prepare_block(Block& block, Launch& launch);
void run_block(Block& block, uint64_t linear);

}  // namespace softgpu

#endif
