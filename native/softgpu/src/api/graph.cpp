/* Stream capture and graphs. */
#include "api/graph.h"

namespace softgpu {

void refuse_under_capture(Context& context) {
  for (Stream* s : context.streams) {
    if (!s->capture) continue;
    s->capture->invalid = true;
    refuse(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  }
}

void refuse_unsafe(Context& context) {
  constexpr int kGlobal = 0, kThreadLocal = 1;
  for (Stream* s : context.streams) {
    if (!s->capture || !s->capture_origin) continue;
    const bool mine = s->capture->thread == std::this_thread::get_id();
    if (s->capture->mode != kGlobal && !(s->capture->mode == kThreadLocal && mine)) continue;
    s->capture->invalid = true;
    refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
}

}  // namespace softgpu

using namespace softgpu;

SOFTGPU_API CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  return enter([&] {
    require(mode >= 0 && mode <= 2);
    Stream& s = object(stream, Kind::stream, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    current();
    require(!s.capture, CUDA_ERROR_ILLEGAL_STATE);
    auto graph = std::make_unique<Graph>();
    graph->context = s.context;
    graph->mode = mode;
    graph->thread = std::this_thread::get_id();
    add_handle(*graph);
    s.capture = graph.release();
    s.capture_origin = true;
  });
}

SOFTGPU_API CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
  return enter([&] {
    require(graph);
    *graph = nullptr;
    Stream& s = object(stream, Kind::stream);
    require(s.capture, CUDA_ERROR_ILLEGAL_STATE);
    require(s.capture_origin, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    Graph* captured = s.capture;
    for (Stream* other : s.context->streams)
      if (other->capture == captured) other->capture = nullptr;
    for (Event* e : s.context->events)
      if (e->capture == captured) e->capture = nullptr;
    s.capture_origin = false;
    if (captured->invalid) {
      remove_handle(*captured);
      delete captured;
      refuse(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    }
    *graph = captured;
  });
}

SOFTGPU_API CUresult cuStreamIsCapturing(CUstream stream, int* status) {
  return enter([&] {
    require(status);
    const Stream& s = stream_of(stream);
    *status = !s.capture ? 0 : s.capture->invalid ? 2 : 1;
  });
}

SOFTGPU_API CUresult cuThreadExchangeStreamCaptureMode(int* mode) {
  return enter([&] {
    require(mode && *mode >= 0 && *mode <= 2);
    static thread_local int current_mode = 0;
    std::swap(*mode, current_mode);
  });
}

SOFTGPU_API CUresult cuGraphCreate(CUgraph* graph, unsigned flags) {
  return enter([&] {
    require(graph && flags == 0);
    auto g = std::make_unique<Graph>();
    g->context = &current();
    add_handle(*g);
    *graph = g.release();
  });
}

SOFTGPU_API CUresult cuGraphDestroy(CUgraph graph) {
  return enter([&] {
    Graph& g = object(graph, Kind::graph);
    remove_handle(g);
    delete &g;
  });
}

/* A node is known by its operation. */
SOFTGPU_API CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode* nodes, size_t* count) {
  return enter([&] {
    require(count);
    const Graph& g = object(graph, Kind::graph);
    if (nodes)
      for (size_t n = 0; n < *count; ++n)
        nodes[n] = n < g.operations.size() ? const_cast<Operation*>(&g.operations[n]) : nullptr;
    *count = g.operations.size();
  });
}

SOFTGPU_API CUresult cuGraphNodeGetType(CUgraphNode node, int* type) {
  return enter([&] {
    require(node && type);
    *type = static_cast<const Operation*>(node)->type;
  });
}

SOFTGPU_API CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long) {
  return enter([&] {
    require(exec);
    const Graph& g = object(graph, Kind::graph);
    auto e = std::make_unique<GraphExec>();
    e->context = g.context;
    e->operations = g.operations;
    add_handle(*e);
    *exec = e.release();
  });
}

SOFTGPU_API CUresult cuGraphInstantiate_v2(CUgraphExec* exec, CUgraph graph, CUgraphNode*, char* log, size_t bytes) {
  if (log && bytes) *log = '\0';
  return cuGraphInstantiateWithFlags(exec, graph, 0);
}

SOFTGPU_API CUresult cuGraphUpload(CUgraphExec exec, CUstream stream) {
  return enter([&] {
    object(exec, Kind::graph_exec);
    stream_of(stream);
  });
}

SOFTGPU_API CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  return enter([&] {
    const GraphExec& e = object(exec, Kind::graph_exec);
    Stream& s = stream_of(stream);
    require(!s.capture, CUDA_ERROR_NOT_SUPPORTED); /* no graphs within graphs */
    settle(s);
    const Working turn(s);
    for (const Operation& o : e.operations) o.work();
  });
}

SOFTGPU_API CUresult cuGraphExecDestroy(CUgraphExec exec) {
  return enter([&] {
    GraphExec& e = object(exec, Kind::graph_exec);
    remove_handle(e);
    delete &e;
  });
}
