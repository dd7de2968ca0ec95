/* Random programs of branches and loops, whose lanes part at every turn: each thread must get what
   it would compute alone, and the lanes that are still there must be together again at the top level,
   wherever the compiler put the blocks. */
#include <memory>

#include "harness.h"

using namespace softgpu_tests;

namespace {

struct Node;
using Block = std::vector<std::unique_ptr<Node>>;

struct Node {
  enum Kind { step, branch, loop, leave, next, finish, together } kind;
  uint32_t a = 0, b = 0, bit = 0;
  Block first, second; /* then, else; or the loop's body */
};

class Program {
 public:
  explicit Program(uint64_t seed) : random_{seed} {
    for (int n = 0; n < 5; ++n) {
      block_.push_back(node(0, false));
      block_.push_back(std::make_unique<Node>(Node{Node::together, 0, 0, 0, {}, {}}));
    }
  }

  std::string text() {
    std::string main = "  .reg .pred %p; .reg .b32 %x, %t, %m, %i<8>; .reg .b64 %q<4>;\n  mov.u32 %t, %tid.x; mad.lo.u32 %x, %t, 2654435761, 12345; mov.u32 %m, 0;\n";
    emit(block_, main, 0, "", "");
    main += "END: ld.param.u64 %q0, [out]; mul.wide.u32 %q1, %t, 8; add.u64 %q2, %q0, %q1; st.global.u32 [%q2], %x; st.global.u32 [%q2+4], %m; ret;\n";
    return ptx(".visible .entry t(.param .u64 out)\n{\n" + main + cold_ + "}\n");
  }

  /* What thread t computes; done: that it ended early. Returns at every `together` the threads that
     are there, through `present`. */
  struct Thread {
    uint32_t x = 0;
    bool done = false;
  };
  void run(std::vector<Thread>& threads, std::vector<uint32_t>& present) const {
    for (size_t t = 0; t < threads.size(); ++t) threads[t].x = static_cast<uint32_t>(t) * 2654435761u + 12345u;
    for (const auto& n : block_) {
      if (n->kind != Node::together) {
        for (Thread& t : threads)
          if (!t.done) execute(*n, t);
        continue;
      }
      for (size_t t = 0; t < threads.size(); ++t) {
        if (threads[t].done) continue;
        uint32_t mask = 0;
        for (size_t l = 0; l < 32; ++l)
          if (t / 32 * 32 + l < threads.size() && !threads[t / 32 * 32 + l].done) mask |= 1u << l;
        present[t] = present[t] * 31 + mask;
      }
    }
  }

 private:
  enum Flow { on, left, continued };

  std::unique_ptr<Node> node(int depth, bool in_loop) {
    auto n = std::make_unique<Node>(Node{Node::step, static_cast<uint32_t>(random_.next()) | 1, static_cast<uint32_t>(random_.next()),
                                         static_cast<uint32_t>(random_.next() % 29 + 3), {}, {}});
    const uint64_t kind = random_.next() % 16;
    if (depth < 4 && kind < 7) {
      n->kind = Node::branch;
      fill(n->first, depth, in_loop);
      if (random_.next() % 2) fill(n->second, depth, in_loop);
    } else if (depth < 4 && kind < 11) {
      n->kind = Node::loop;
      fill(n->first, depth, true);
    } else if (in_loop && depth > 1 && kind == 11) {
      n->kind = Node::leave;
    } else if (in_loop && depth > 1 && kind == 12) {
      n->kind = Node::next;
    } else if (depth > 1 && kind == 13 && random_.next() % 3 == 0) {
      n->kind = Node::finish;
    }
    return n;
  }

  void fill(Block& block, int depth, bool in_loop) {
    for (uint64_t n = random_.next() % 3 + 1; n > 0; --n) {
      block.push_back(node(depth + 1, in_loop));
      const Node::Kind kind = block.back()->kind;
      if (kind == Node::leave || kind == Node::next || kind == Node::finish) return; /* nothing follows */
    }
  }

  Flow execute(const Block& block, Thread& t) const {
    for (const auto& n : block) {
      const Flow flow = execute(*n, t);
      if (flow != on || t.done) return flow;
    }
    return on;
  }

  Flow execute(const Node& n, Thread& t) const {
    switch (n.kind) {
      case Node::step: t.x = t.x * n.a + n.b; return on;
      case Node::branch: return execute(t.x >> n.bit & 1 ? n.first : n.second, t);
      case Node::leave: return left;
      case Node::next: return continued;
      case Node::finish: t.done = true; return left;
      case Node::loop:
        for (uint32_t k = 0; k < (t.x >> n.bit & 3); ++k)
          if (execute(n.first, t) == left || t.done) break;
        return on;
      default: return on;
    }
  }

  std::string label() { return "L" + std::to_string(labels_++); }

  void emit(const Block& block, std::string& out, int depth, const std::string& leave, const std::string& next) {
    for (const auto& n : block) emit(*n, out, depth, leave, next);
  }

  void emit(const Node& n, std::string& out, int depth, const std::string& leave, const std::string& next) {
    const std::string bit = std::to_string(n.bit), i = "%i" + std::to_string(depth);
    switch (n.kind) {
      case Node::step:
        out += "  mad.lo.u32 %x, %x, " + std::to_string(n.a) + ", " + std::to_string(n.b) + ";\n";
        return;
      case Node::together: out += "  { .reg .b32 a; activemask.b32 a; mad.lo.u32 %m, %m, 31, a; }\n"; return;
      case Node::leave: out += "  bra " + leave + ";\n"; return;
      case Node::next: out += "  bra " + next + ";\n"; return;
      case Node::finish: out += "  bra END;\n"; return;
      case Node::branch: {
        const std::string then = label(), join = label();
        out += "  { .reg .b32 a; shr.u32 a, %x, " + bit + "; and.b32 a, a, 1; setp.ne.u32 %p, a, 0; }\n  @%p bra " + then + ";\n";
        if (random_.next() % 2) { /* the body far away */
          std::string body = then + ":\n";
          emit(n.first, body, depth, leave, next);
          cold_ += body + "  bra " + join + ";\n";
          emit(n.second, out, depth, leave, next);
        } else {
          emit(n.second, out, depth, leave, next);
          out += "  bra " + join + ";\n" + then + ":\n";
          emit(n.first, out, depth, leave, next);
        }
        out += join + ":\n";
        return;
      }
      case Node::loop: {
        const std::string top = label(), latch = label(), exit = label();
        out += "  mov.u32 " + i + ", 0;\n" + top + ":\n  { .reg .b32 a; shr.u32 a, %x, " + bit + "; and.b32 a, a, 3; setp.ge.u32 %p, " + i + ", a; }\n  @%p bra " + exit + ";\n";
        emit(n.first, out, depth + 1, exit, latch);
        out += latch + ":\n  add.u32 " + i + ", " + i + ", 1;\n  bra " + top + ";\n" + exit + ":\n";
        return;
      }
    }
  }

  Random random_;
  Block block_;
  std::string cold_;
  int labels_ = 0;
};

Check random_programs("random programs give every thread its own result and bring lanes together", [] {
  constexpr size_t kThreads = 80;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Program program(seed);
    const std::string text = program.text();
    Session s;
    const DevicePointer out = s.allocate(kThreads * 8);
    Session::must(launch(s.kernel(text, "t"), {1}, {kThreads}, 0, out), "program of seed " + std::to_string(seed) + "\n" + text);
    const auto found = s.download<uint32_t>(out, kThreads * 2);
    std::vector<Program::Thread> threads(kThreads);
    std::vector<uint32_t> present(kThreads, 0);
    program.run(threads, present);
    for (size_t t = 0; t < kThreads; ++t) {
      const std::string what = "seed " + std::to_string(seed) + ", thread " + std::to_string(t);
      expect_equal(found[2 * t], threads[t].x, what + ": result");
      expect_equal(found[2 * t + 1], present[t], what + ": lanes that were together");
    }
  }
});

}  // namespace
