/* Capture of a stream's work and its replay. */
#ifndef SOFTGPU_API_GRAPH_H
#define SOFTGPU_API_GRAPH_H

#include <thread>

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
  int mode = 0; /* of its capture */
  std::thread::id thread;
};

struct GraphExec : Object {
  GraphExec() : Object(Kind::graph_exec) {}
  Context* context = nullptr;
  std::vector<Operation> operations;
};

/* A call that would wait for the device, or for the default stream, breaks a capture. */
void refuse_under_capture(Context& context);
/* A call that may wait, such as an allocation: refused under a capture that is not relaxed. */
void refuse_unsafe(Context& context);

}  // namespace softgpu

#endif
