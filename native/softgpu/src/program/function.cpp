/* Decoding a function's body: basic blocks, branches, calls and barriers here, the rest by opcode. */
#include <algorithm>

#include "exec/control.h"
#include "exec/schedule.h"
#include "program/build.h"
#include "program/decode.h"
#include "program/order.h"

namespace softgpu {

bool decode_warp_barrier(Decode& d);

namespace {

using ptx::Operand;
using ptx::Statement;

bool has(const Statement& s, const char* modifier) {
  return std::find(s.modifiers.begin(), s.modifiers.end(), modifier) != s.modifiers.end();
}

/* Instructions at which a warp may stop, so that a guard around them becomes a branch. */
bool waits(const Statement& s) {
  const std::string& o = s.opcode;
  return o == "bar" || o == "barrier" || o == "shfl" || o == "vote" || o == "match" || o == "redux" ||
         o == "elect" || o == "call" || o == "mma" || o == "wmma" || o == "ldmatrix" || o == "stmatrix" ||
         o == "movmatrix";
}

/* One instruction to be: a statement, or a branch around one. */
struct Item {
  const Statement* statement;
  bool skip = false; /* branch over the next block where the guard does not hold */
};

struct BasicBlock {
  std::vector<Item> items;
  std::vector<uint32_t> successors;
};

class FunctionBuilder {
 public:
  FunctionBuilder(FunctionScope& scope) : scope_(scope), source_(scope.source), out_(scope.out) {}

  void run() {
    split();
    connect();
    emit();
    resolve();
  }

 private:
  void split() {
    std::vector<bool> labelled(source_.body.size() + 1, false);
    for (const auto& [name, at] : source_.labels) labelled[at] = true;
    first_of_.resize(source_.body.size() + 1);
    blocks_.emplace_back();
    bool open = true; /* the last block takes further items */
    for (size_t n = 0; n < source_.body.size(); ++n) {
      const Statement& s = source_.body[n];
      if (!open || (labelled[n] && !blocks_.back().items.empty())) blocks_.emplace_back();
      open = true;
      first_of_[n] = static_cast<uint32_t>(blocks_.size()) - 1;
      if (s.guard >= 0 && waits(s)) {
        blocks_.back().items.push_back({&s, true});
        blocks_.emplace_back();
        blocks_.back().items.push_back({&s});
        open = false;
        continue;
      }
      blocks_.back().items.push_back({&s});
      open = !(s.opcode == "bra" || s.opcode == "brx" || s.opcode == "ret" || s.opcode == "exit" ||
               s.opcode == "trap");
    }
    if (open) {
      /* The end of the body returns. */
      end_.opcode = "ret";
      end_.line = source_.body.empty() ? source_.line : source_.body.back().line;
      if (labelled[source_.body.size()] && !blocks_.back().items.empty()) blocks_.emplace_back();
      blocks_.back().items.push_back({&end_});
    } else if (labelled[source_.body.size()] || falls_through(blocks_.back())) {
      end_.opcode = "ret";
      blocks_.emplace_back();
      blocks_.back().items.push_back({&end_});
    }
    first_of_[source_.body.size()] = static_cast<uint32_t>(blocks_.size()) - 1;
  }

  static bool falls_through(const BasicBlock& b) {
    const Item& last = b.items.back();
    const std::string& o = last.statement->opcode;
    const bool ends = o == "bra" || o == "brx" || o == "ret" || o == "exit" || o == "trap";
    return last.skip || !ends || last.statement->guard >= 0;
  }

  uint32_t target(const Statement& s, const std::string& label) const {
    const auto found = source_.labels.find(label);
    if (found == source_.labels.end()) throw ptx::PtxError(s.line, "label '" + label + "' is not declared");
    return first_of_[found->second];
  }

  std::vector<uint32_t> indexed_targets(const Statement& s) const {
    const auto list = source_.branch_targets.find(s.operands.at(1).text);
    if (list == source_.branch_targets.end()) throw ptx::PtxError(s.line, "brx.idx without a list of targets");
    std::vector<uint32_t> targets;
    for (const std::string& label : list->second) targets.push_back(target(s, label));
    return targets;
  }

  void connect() {
    for (uint32_t b = 0; b < blocks_.size(); ++b) {
      auto& successors = blocks_[b].successors;
      const Item& last = blocks_[b].items.back();
      const Statement& s = *last.statement;
      if (falls_through(blocks_[b])) successors.push_back(b + 1);
      if (last.skip) successors.push_back(b + 2);
      else if (s.opcode == "bra") successors.push_back(target(s, s.operands.at(0).text));
      else if (s.opcode == "brx")
        for (uint32_t t : indexed_targets(s)) successors.push_back(t);
    }
    Graph graph;
    for (const BasicBlock& b : blocks_) graph.push_back(b.successors);
    place_ = weak_topological_order(graph);
    const std::vector<uint32_t> post = post_dominators(graph);
    out_.post_dominator.resize(blocks_.size());
    for (uint32_t b = 0; b < blocks_.size(); ++b)
      out_.post_dominator[place_[b]] = post[b] == ~0u ? ~0u : place_[post[b]];
  }

  bool exits_only(const BasicBlock& b) const {
    const Statement& s = *b.items[0].statement;
    return source_.entry && b.items.size() == 1 && s.guard < 0 && (s.opcode == "ret" || s.opcode == "exit");
  }

  void emit() {
    for (uint32_t b = 0; b < blocks_.size(); ++b) {
      heads_.push_back(static_cast<uint32_t>(out_.code.size()));
      Instr h;
      h.fn = &head;
      h.imm = place_[b];
      h.aux = static_cast<uint32_t>(blocks_[b].items.size());
      h.line = blocks_[b].items[0].statement->line;
      h.location = blocks_[b].items[0].statement->location;
      if (exits_only(blocks_[b])) h.flags = kExitOnly;
      out_.code.push_back(h);
      for (const Item& item : blocks_[b].items) emit(item, b);
    }
  }

  void emit(const Item& item, uint32_t block) {
    const Statement& s = *item.statement;
    Instr i;
    i.line = s.line;
    i.location = s.location;
    const bool guard = s.guard >= 0 && (item.skip || !waits(s));
    if (guard) {
      i.guard = scope_.reg(s.guard);
      i.guard_flip = s.guard_negated != item.skip ? ~0u : 0;
    }
    if (item.skip) {
      i.fn = &branch_if;
      branches_.push_back({out_.code.size(), block + 2});
    } else if (!control(s, i, block, guard)) {
      decode_statement(scope_, s, i);
      if (guard) {
        i.inner = i.fn;
        i.fn = &guarded;
      }
    }
    out_.code.push_back(i);
  }

  bool control(const Statement& s, Instr& i, uint32_t block, bool guard) {
    if (s.opcode == "bra") {
      i.fn = guard ? &branch_if : &branch;
      branches_.push_back({out_.code.size(), target(s, s.operands.at(0).text)});
    } else if (s.opcode == "brx") {
      i.fn = &branch_indexed;
      i.a = Decode(scope_, s, i).source(0, ptx::Type::u32);
      tables_.push_back({out_.code.size(), indexed_targets(s)});
    } else if (s.opcode == "exit") {
      i.fn = &exit_thread;
    } else if (s.opcode == "ret") {
      i.fn = &return_function;
    } else if (s.opcode == "trap" || s.opcode == "brkpt") {
      i.fn = &trap;
    } else if (s.opcode == "call") {
      call_site(s, i);
    } else if ((s.opcode == "bar" || s.opcode == "barrier") && !has(s, "warp")) {
      block_barrier(s, i, block);
    } else {
      return false;
    }
    return true;
  }

  void block_barrier(const Statement& s, Instr& i, uint32_t block) {
    Decode d(scope_, s, i);
    d.take("cta");
    d.take("aligned");
    i.fn = &barrier;
    i.aux = place_[block];
    size_t next = 0;
    if (d.take("red")) {
      if (d.take("popc")) i.flags = kBarPopc;
      else if (d.take("and")) i.flags = kBarAnd;
      else if (d.take("or")) i.flags = kBarOr;
      else d.invalid("operation");
      d.type();
      i.d = i.flags == kBarPopc ? d.dest(0, ptx::Type::u32) : d.predicate_dest(d.operand(0));
      next = 1;
    } else if (d.take("arrive")) {
      i.flags = kBarArrive;
    } else if (!d.take("sync")) {
      d.invalid("operation");
    }
    i.a = d.source(next++, ptx::Type::u32);
    const bool reduction = i.flags && i.flags != kBarArrive;
    const size_t left = s.operands.size() - next;
    if (left > (reduction ? 1u : 0u)) i.b = d.source(next++, ptx::Type::u32);
    if (reduction) {
      bool negated;
      i.c = d.predicate(d.operand(next), negated);
      i.guard_flip = negated ? ~0u : 0;
    }
    d.finish();
  }

  void call_site(const Statement& s, Instr& i) {
    Decode d(scope_, s, i);
    d.take("uni");
    d.finish();
    auto site = std::make_unique<CallSite>();
    const Operand* name = nullptr;
    auto variables = [&](const Operand& group) {
      std::vector<LaneVariable> list;
      for (const Operand& o : group.parts) {
        if (o.kind != Operand::variable) d.unsupported("an argument that is no .param variable");
        const ptx::Variable& v = source_.variables[static_cast<size_t>(o.index)];
        list.push_back({v.name, static_cast<uint32_t>(scope_.offsets[static_cast<size_t>(o.index)]),
                        static_cast<uint32_t>(v.bytes)});
      }
      return list;
    };
    for (const Operand& o : s.operands) {
      if (o.kind == Operand::group) (name ? site->arguments : site->results) = variables(o);
      else if (!name) name = &o;
    }
    if (!name || name->kind != Operand::symbol) d.unsupported("an indirect call");
    const auto found = scope_.program.functions.find(name->text);
    if (found == scope_.program.functions.end() || found->second->name.empty())
      d.unsupported("'" + name->text + "' is not defined in this module");
    site->function = found->second.get();
    if (site->arguments.size() != site->function->params || site->results.size() != site->function->returns)
      d.invalid("number of arguments");
    for (size_t n = 0; n < site->arguments.size() + site->results.size(); ++n) {
      const bool argument = n < site->arguments.size();
      const LaneVariable& v = argument ? site->arguments[n] : site->results[n - site->arguments.size()];
      if (v.bytes != site->function->locals[n].bytes) d.invalid("size of an argument");
    }
    i.fn = &call;
    out_.calls = true;
    i.data = site.get();
    out_.sites.push_back(std::move(site));
  }

  void resolve() {
    for (const auto& [at, block] : branches_) out_.code[at].target = &out_.code[heads_[block]];
    for (const auto& [at, blocks] : tables_) {
      auto table = std::make_unique<std::vector<const Instr*>>();
      for (uint32_t b : blocks) table->push_back(&out_.code[heads_[b]]);
      out_.code[at].data = table.get();
      out_.tables.push_back(std::move(table));
    }
  }

  FunctionScope& scope_;
  const ptx::Function& source_;
  Function& out_;
  Statement end_;
  std::vector<BasicBlock> blocks_;
  std::vector<uint32_t> first_of_; /* of a statement: its block */
  std::vector<uint32_t> place_, heads_;
  std::vector<std::pair<size_t, uint32_t>> branches_;
  std::vector<std::pair<size_t, std::vector<uint32_t>>> tables_;
};

}  // namespace

void build_function(Program& program, const ptx::Module& module, const ptx::Function& source,
                    const std::unordered_map<std::string, uint64_t>& shared,
                    std::vector<uint64_t> offsets, Function& out) {
  FunctionScope scope(program, module, source, out);
  scope.offsets = std::move(offsets);
  scope.shared = &shared;
  FunctionBuilder(scope).run();
}

}  // namespace softgpu
