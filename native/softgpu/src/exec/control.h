/* Instructions that change where a warp goes on. */
#ifndef SOFTGPU_EXEC_CONTROL_H
#define SOFTGPU_EXEC_CONTROL_H

#include "exec/warp.h"

namespace softgpu {

/* Bits of Instr::flags of a block's head. */
constexpr uint32_t kExitOnly = 1; /* the block does nothing but end the thread */

/* Stands before every basic block: imm: its place in the function's order; aux: the number of
   instructions of the block. Lanes meet here. */
const Instr* head(Warp& w, const Instr* i);
/* Branch of all active lanes to `target`, and one under a guard. */
const Instr* branch(Warp& w, const Instr* i);
const Instr* branch_if(Warp& w, const Instr* i);
/* brx.idx: a: index; data: std::vector<const Instr*>. */
const Instr* branch_indexed(Warp& w, const Instr* i);
/* Ends of threads and of functions, with a guard or without. */
const Instr* exit_thread(Warp& w, const Instr* i);
const Instr* return_function(Warp& w, const Instr* i);
/* call: data: CallSite. */
const Instr* call(Warp& w, const Instr* i);
const Instr* trap(Warp& w, const Instr* i);
/* Executes `inner` for the lanes whose guard holds. */
const Instr* guarded(Warp& w, const Instr* i);

struct CallSite {
  const Function* function;
  /* Variables of the caller: arguments, then results; as offsets in its local memory. */
  std::vector<LaneVariable> arguments, results;
};

}  // namespace softgpu

#endif
