/* Streams and events. Work is done when it is submitted, but for copies that may come later (Late). */
#include "api/graph.h"
#include "api/state.h"

namespace softgpu {

void submit(Stream& stream, int node_type, std::function<void()> work) {
  if (stream.capture) {
    stream.capture->operations.push_back({node_type, std::move(work)});
    return;
  }
  settle(stream);
  const Working turn(stream);
  work();
}

void Late::add(std::function<void()> work) {
  waiting.push_back(std::move(work));
  ++added;
}

void Late::run(uint64_t count) {
  while (begun < count && !waiting.empty()) {
    const std::function<void()> work = std::move(waiting.front());
    waiting.pop_front();
    ++begun;
    work();
  }
}

namespace {

/* The streams that a stream's next work lies behind unasked: the default stream waits for all
   blocking ones of its context, and they for it. */
template <class F>
void each_before(Stream& stream, F f) {
  constexpr unsigned kNonBlocking = 1;
  Stream* const everyone = stream.context->default_stream.get();
  if (&stream == everyone) {
    for (Stream* s : stream.context->streams)
      if (!(s->flags & kNonBlocking)) f(*s);
  } else if (!(stream.flags & kNonBlocking)) {
    f(*everyone);
  }
}

Turn begin(Stream& stream) {
  Driver& driver = Driver::get();
  stream.clock.join(driver.host);
  each_before(stream, [&](const Stream& s) { stream.clock.join(s.clock); });
  const uint64_t number = stream.clock.advance(stream.id);
  return {++driver.turns, stream.id, number, &stream.clock};
}

}  // namespace

void settle(Stream& stream) {
  each_before(stream, [](Stream& s) { s.late->run(s.late->added); });
  stream.late->run(stream.late->added);
}

Working::Working(Stream& stream) : before_(Driver::get().turn) { Driver::get().turn = begin(stream); }
Working::~Working() { Driver::get().turn = before_; }

void use_memory(Context& context, Allocation& allocation, bool writes) {
  const Turn& turn = Driver::get().turn;
  if (!turn.id) return;
  const std::string unordered = allocation.use(turn, writes);
  if (unordered.empty()) return;
  report("allocation #" + std::to_string(allocation.serial) + " (" + std::to_string(allocation.bytes) +
         " bytes): " + unordered);
  fail_context(context, CUDA_ERROR_LAUNCH_FAILED);
  refuse(CUDA_ERROR_LAUNCH_FAILED);
}

void wait_for(Stream& stream) {
  settle(stream);
  Driver::get().host.join(stream.clock);
}

void wait_for_all(Context& context) {
  wait_for(*context.default_stream);
  for (Stream* s : context.streams) wait_for(*s);
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
    s.late->run(s.late->added);
    s.context->streams.erase(&s);
    remove_handle(s);
    delete &s;
  });
}

SOFTGPU_API CUresult cuStreamSynchronize(CUstream stream) {
  return enter([&] { wait_for(synchronizable(stream)); });
}

/* Nothing is said to be under way: as good as waiting for it. */
SOFTGPU_API CUresult cuStreamQuery(CUstream stream) {
  return enter([&] { wait_for(synchronizable(stream)); });
}

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
    if (s.capture || !e.recorded) return;
    s.clock.join(e.clock);
    if (e.late->begun < e.added) s.late->add([late = e.late, count = e.added] { late->run(count); });
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
    wait_for(stream_of(stream));
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
    e.clock = s.clock;
    e.late = s.late;
    e.added = s.late->added;
    e.at = std::chrono::steady_clock::now();
  });
}

SOFTGPU_API CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned) {
  return cuEventRecord(event, stream);
}

namespace {

/* Nothing is said to be under way: a question is as good as waiting. */
CUresult wait_for_event(CUevent event, const char* function = __builtin_FUNCTION()) {
  return enter(
      [&] {
        Event& e = event_of(event);
        require(!e.capture, CUDA_ERROR_CAPTURED_EVENT);
        current();
        if (!e.recorded) return;
        e.late->run(e.added);
        Driver::get().host.join(e.clock);
      },
      function);
}

}  // namespace

SOFTGPU_API CUresult cuEventQuery(CUevent event) { return wait_for_event(event); }

SOFTGPU_API CUresult cuEventSynchronize(CUevent event) { return wait_for_event(event); }

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
