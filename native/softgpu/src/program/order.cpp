#include "program/order.h"

#include <algorithm>

namespace softgpu {
namespace {

/* Strongly connected components of a part of the graph, recursively. Iterative depth-first search:
   unrolled kernels have thousands of blocks. */
class Orderer {
 public:
  explicit Orderer(const Graph& graph)
      : graph_(graph), inside_(graph.size(), 0), place_(graph.size(), ~0u) {}

  std::vector<uint32_t> run() {
    std::vector<uint32_t> all(graph_.size());
    for (uint32_t b = 0; b < all.size(); ++b) all[b] = b;
    arrange(all);
    return place_;
  }

 private:
  struct Frame {
    uint32_t block;
    size_t next;
  };

  /* Orders the blocks of `part`; its first block is where it is entered. */
  void arrange(const std::vector<uint32_t>& part) {
    const uint32_t level = ++level_;
    for (uint32_t b : part) inside_[b] = level;
    std::vector<std::vector<uint32_t>> components = components_of(part, level);
    /* Tarjan finds the last components first. */
    for (size_t c = components.size(); c-- > 0;) {
      std::vector<uint32_t>& component = components[c];
      place_[component[0]] = next_++;
      if (component.size() == 1) continue;
      component.erase(component.begin());
      arrange(component);
    }
  }

  std::vector<std::vector<uint32_t>> components_of(const std::vector<uint32_t>& part, uint32_t level) {
    std::vector<std::vector<uint32_t>> result;
    std::vector<uint32_t> index(graph_.size(), 0), low(graph_.size(), 0), stack;
    std::vector<bool> stacked(graph_.size(), false);
    uint32_t counter = 0;
    for (uint32_t root : part) {
      if (index[root]) continue;
      std::vector<Frame> frames{{root, 0}};
      while (!frames.empty()) {
        const uint32_t b = frames.back().block;
        if (frames.back().next == 0) {
          index[b] = low[b] = ++counter;
          stack.push_back(b);
          stacked[b] = true;
        }
        bool descended = false;
        const auto& successors = graph_[b];
        while (frames.back().next < successors.size()) {
          const uint32_t s = successors[successors.size() - 1 - frames.back().next++];
          if (inside_[s] != level) continue;
          if (!index[s]) {
            frames.push_back({s, 0});
            descended = true;
            break;
          }
          if (stacked[s]) low[b] = std::min(low[b], index[s]);
        }
        if (descended) continue;
        if (frames.back().next == 0) frames.back().next = 1; /* no successors: do not enter again */
        frames.pop_back();
        if (!frames.empty()) low[frames.back().block] = std::min(low[frames.back().block], low[b]);
        if (low[b] != index[b]) continue;
        std::vector<uint32_t> component;
        uint32_t member;
        do {
          member = stack.back();
          stack.pop_back();
          stacked[member] = false;
          component.push_back(member);
        } while (member != b);
        /* b was reached first: it is where the component is entered. */
        std::swap(component.front(), component.back());
        std::sort(component.begin() + 1, component.end());
        result.push_back(std::move(component));
      }
    }
    return result;
  }

  const Graph& graph_;
  std::vector<uint32_t> inside_, place_;
  uint32_t level_ = 0, next_ = 0;
};

}  // namespace

std::vector<uint32_t> weak_topological_order(const Graph& successors) {
  return Orderer(successors).run();
}

std::vector<uint32_t> post_dominators(const Graph& successors) {
  const uint32_t count = static_cast<uint32_t>(successors.size()), end = count;
  Graph predecessors(count + 1);
  for (uint32_t b = 0; b < count; ++b) {
    if (successors[b].empty()) predecessors[end].push_back(b);
    for (uint32_t s : successors[b]) predecessors[s].push_back(b);
  }
  /* Post-order of the reversed graph from the end. */
  std::vector<uint32_t> number(count + 1, ~0u), order;
  std::vector<std::pair<uint32_t, size_t>> frames{{end, 0}};
  std::vector<bool> seen(count + 1, false);
  seen[end] = true;
  while (!frames.empty()) {
    auto& [b, next] = frames.back();
    if (next < predecessors[b].size()) {
      const uint32_t p = predecessors[b][next++];
      if (!seen[p]) {
        seen[p] = true;
        frames.push_back({p, 0});
      }
      continue;
    }
    number[b] = static_cast<uint32_t>(order.size());
    order.push_back(b);
    frames.pop_back();
  }
  std::vector<uint32_t> dominator(count + 1, ~0u);
  dominator[end] = end;
  auto meet = [&](uint32_t a, uint32_t b) {
    while (a != b) {
      while (number[a] < number[b]) a = dominator[a];
      while (number[b] < number[a]) b = dominator[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t n = order.size(); n-- > 0;) {
      const uint32_t b = order[n];
      if (b == end) continue;
      uint32_t best = successors[b].empty() ? end : ~0u;
      for (uint32_t s : successors[b]) {
        if (dominator[s] == ~0u) continue;
        best = best == ~0u ? s : meet(best, s);
      }
      if (best != dominator[b]) {
        dominator[b] = best;
        changed = true;
      }
    }
  }
  dominator.resize(count);
  for (uint32_t& d : dominator)
    if (d == end) d = ~0u;
  return dominator;
}

}  // namespace softgpu
