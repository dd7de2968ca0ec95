/* Streams and events. Work is done when it is submitted, so every stream is always idle. */
#include "api/graph.h"
#include "api/state.h"

namespace softgpu {

void submit(Stream& stream, int node_type, std::function<void()> work) {
  if (stream.capture) {
    stream.capture->operations.push_back({node_type, std::move(work)});
    return;
  }
  work();
}

namespace {

Stream& synchronizable(CUstream stream) {
  Stream& s = stream_of(stream);
  if (s.capture) {
    s.capture->invalid = true;
    refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  return s;
}

}  // namespace
}  // namespace softgpu

using namespace softgpu;

SOFTGPU_API CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int priority) {
  return enter([&] {
    require(stream && flags <= 1);
    Context& context = current();
    auto s = std::make_unique<Stream>();
    s->context = &context;
    s->flags = flags;
    s->priority = priority > 0 ? 0 : priority < -5 ? -5 : priority;
    s->id = ++Driver::get().next_id;
    add_handle(*s);
    context.streams.insert(s.get());
    *stream = s.release();
  });
}

SOFTGPU_API CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
  return cuStreamCreateWithPriority(stream, flags, 0);
}

SOFTGPU_API CUresult cuStreamDestroy_v2(CUstream stream) {
  return enter([&] {
    Stream& s = object(stream, Kind::stream);
    s.context->streams.erase(&s);
    remove_handle(s);
    delete &s;
  });
}

SOFTGPU_API CUresult cuStreamSynchronize(CUstream stream) { return enter([&] { synchronizable(stream); }); }

SOFTGPU_API CUresult cuStreamQuery(CUstream stream) { return enter([&] { synchronizable(stream); }); }

SOFTGPU_API CUresult cuStreamGetPriority(CUstream stream, int* priority) {
  return enter([&] {
    require(priority);
    *priority = stream_of(stream).priority;
  });
}

SOFTGPU_API CUresult cuStreamGetFlags(CUstream stream, unsigned* flags) {
  return enter([&] {
    require(flags);
    *flags = stream_of(stream).flags;
  });
}

SOFTGPU_API CUresult cuStreamGetId(CUstream stream, unsigned long long* id) {
  return enter([&] {
    require(id);
    *id = stream_of(stream).id;
  });
}

SOFTGPU_API CUresult cuStreamGetCtx(CUstream stream, CUcontext* context) {
  return enter([&] {
    require(context);
    *context = stream_of(stream).context;
  });
}

SOFTGPU_API CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  return enter([&] {
    Stream& s = stream_of(stream);
    const Event& e = event_of(event);
    if (e.capture && !s.capture) s.capture = e.capture; /* the stream joins the capture */
    else if (e.capture != s.capture && e.capture) refuse(CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
  });
}

SOFTGPU_API CUresult cuLaunchHostFunc(CUstream stream, void (*function)(void*), void* data) {
  return enter([&] {
    require(function);
    submit(stream_of(stream), kNodeHost, [=] { function(data); });
  });
}

SOFTGPU_API CUresult cuStreamAddCallback(CUstream stream, void (*callback)(CUstream, CUresult, void*), void* data,
                                         unsigned flags) {
  return enter([&] {
    require(callback && flags == 0);
    require(!stream_of(stream).capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    callback(stream, CUDA_SUCCESS, data);
  });
}

SOFTGPU_API CUresult cuEventCreate(CUevent* event, unsigned flags) {
  return enter([&] {
    require(event && flags <= 7);
    Context& context = current();
    auto e = std::make_unique<Event>();
    e->context = &context;
    e->flags = flags;
    add_handle(*e);
    context.events.insert(e.get());
    *event = e.release();
  });
}

SOFTGPU_API CUresult cuEventDestroy_v2(CUevent event) {
  return enter([&] {
    Event& e = event_of(event);
    e.context->events.erase(&e);
    remove_handle(e);
    delete &e;
  });
}

SOFTGPU_API CUresult cuEventRecord(CUevent event, CUstream stream) {
  return enter([&] {
    Event& e = event_of(event);
    const Stream& s = stream_of(stream);
    e.capture = s.capture;
    if (s.capture) return;
    e.recorded = true;
    e.at = std::chrono::steady_clock::now();
  });
}

SOFTGPU_API CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned) {
  return cuEventRecord(event, stream);
}

SOFTGPU_API CUresult cuEventQuery(CUevent event) {
  return enter([&] {
    require(!event_of(event).capture, CUDA_ERROR_CAPTURED_EVENT);
    current();
  });
}

SOFTGPU_API CUresult cuEventSynchronize(CUevent event) { return cuEventQuery(event); }

SOFTGPU_API CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  return enter([&] {
    require(milliseconds);
    const Event &a = event_of(start), &b = event_of(end);
    current();
    constexpr unsigned kDisableTiming = 2;
    require(a.recorded && b.recorded && !((a.flags | b.flags) & kDisableTiming), CUDA_ERROR_INVALID_HANDLE);
    *milliseconds = std::chrono::duration<float, std::milli>(b.at - a.at).count();
  });
}

SOFTGPU_API CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) {
  return cuEventElapsedTime(milliseconds, start, end);
}
