/* Capture of a stream's work and its replay. */
#ifndef SOFTGPU_API_GRAPH_H
#define SOFTGPU_API_GRAPH_H

#include "api/state.h"

namespace softgpu {

constexpr int kNodeKernel = 0, kNodeMemcpy = 1, kNodeMemset = 2, kNodeHost = 3;

struct Operation {
  int type;
  std::function<void()> work;
};

/* Work in the order of its capture, which satisfies all dependencies. */
struct Graph : Object {
  Graph() : Object(Kind::graph) {}
  Context* context = nullptr;
  std::vector<Operation> operations;
  bool invalid = false;
};

struct GraphExec : Object {
  GraphExec() : Object(Kind::graph_exec) {}
  Context* context = nullptr;
  std::vector<Operation> operations;
};

/* A call that would wait for the device, or for the default stream, breaks a capture. */
void refuse_under_capture(Context& context);

}  // namespace softgpu

#endif
