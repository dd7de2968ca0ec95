/*
 * mma.sync and ldmatrix. Which lane holds which element of a matrix: PTX ISA, "Matrix fragments for
 * mma". Products are exact; they are added one by one, k rising, in float (an f16 result is rounded
 * at the end). A card adds several products at a time, with fewer roundings.
 */
#include "exec/access.h"
#include "exec/half.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Operand;
using ptx::Type;

enum class Shape { m8n8k4, m16n8k4, m16n8k8, m16n8k16 };

struct Place {
  int row, column;
};

/* Element e of a lane's fragment; elements are f16, bf16 or tf32 for A and B. */
struct Fragments {
  int a_elements, b_elements; /* of a lane */
  Place (*a)(int lane, int e, bool row_major);
  Place (*b)(int lane, int e, bool row_major);
};

/* sm_75 and later: groups of four lanes. */
Place a_16x8(int lane, int e, bool) { return {lane / 4 + (e & 2 ? 8 : 0), lane % 4 * 2 + (e & 1)}; }
Place b_8x8(int lane, int e, bool) { return {lane % 4 * 2 + (e & 1), lane / 4}; }
Place a_16x16(int lane, int e, bool) {
  return {lane / 4 + (e & 2 ? 8 : 0), lane % 4 * 2 + (e & 1) + (e & 4 ? 8 : 0)};
}
Place b_16x8(int lane, int e, bool) { return {lane % 4 * 2 + (e & 1) + (e & 2 ? 8 : 0), lane / 4}; }
Place a_16x4_tf32(int lane, int e, bool) { return {lane / 4 + (e & 1 ? 8 : 0), lane % 4}; }
Place b_4x8_tf32(int lane, int, bool) { return {lane % 4, lane / 4}; }
Place a_16x8_tf32(int lane, int e, bool) { return {lane / 4 + (e & 1 ? 8 : 0), lane % 4 + (e & 2 ? 4 : 0)}; }
Place b_8x8_tf32(int lane, int e, bool) { return {lane % 4 + (e & 1 ? 4 : 0), lane / 4}; }
Place accumulator(int lane, int e) { return {lane / 4 + (e & 2 ? 8 : 0), lane % 4 * 2 + (e & 1)}; }

/* sm_70: four independent products; lanes 4q..4q+3 and 16+4q..16+4q+3 do the q-th. */
Place a_8x4(int lane, int e, bool row_major) {
  const int half = lane < 16 ? 0 : 4;
  return row_major ? Place{lane % 4 + half, e} : Place{e + half, lane % 4};
}
Place b_4x8(int lane, int e, bool row_major) {
  const int half = lane < 16 ? 0 : 4;
  return row_major ? Place{lane % 4, e + half} : Place{e, lane % 4 + half};
}
Place quad_accumulator(int lane, int e, bool single) {
  const int half = lane < 16 ? 0 : 4;
  if (!single) return {lane % 4 + half, e};
  return {(lane & 1) + (e & 2) + half, (e & 4) + (lane & 2) + (e & 1)};
}

/* imm of the instruction. */
constexpr int64_t kARowMajor = 1, kBRowMajor = 2;
/* flags */
constexpr uint32_t kBfloat = 1, kTf32 = 2, kSingleC = 4, kSingleD = 8;

float element(Warp& w, const Slot* regs, int lane, int e, uint32_t flags) {
  if (flags & kTf32) return bit_cast<float>(lanes<uint32_t>(w, regs[e])[lane] & ~0x1fffu);
  const uint16_t bits = static_cast<uint16_t>(lanes<uint32_t>(w, regs[e / 2])[lane] >> (16 * (e & 1)));
  return flags & kBfloat ? from_bfloat(bits) : from_half(bits);
}

float read_accumulator(Warp& w, const Slot* regs, int lane, int e, bool single) {
  if (single) return lanes<float>(w, regs[e])[lane];
  return from_half(static_cast<uint16_t>(lanes<uint32_t>(w, regs[e / 2])[lane] >> (16 * (e & 1))));
}

void write_accumulator(Warp& w, const Slot* regs, int lane, int e, bool single, float value) {
  if (single) {
    lanes<float>(w, regs[e])[lane] = value;
    return;
  }
  uint32_t& both = lanes<uint32_t>(w, regs[e / 2])[lane];
  const int shift = 16 * (e & 1);
  both = (both & ~(0xffffu << shift)) | static_cast<uint32_t>(to_half(value)) << shift;
}

bool whole_warp(Warp& w, const Instr* i, const Instr** next) {
  if (w.mask != kFull && !gather(w, i, kFull, next)) return false;
  if (w.mask != kFull)
    fault(w, i, -1, FaultCode::launch_failed, "a warp-wide matrix instruction without all 32 lanes");
  return true;
}

/* D = A B + C for a matrix of M rows; A and B are filled already. */
template <int M, int N, int K>
void multiply(const float (*a)[K], const float (*b)[N], float (*c)[N]) {
  for (int r = 0; r < M; ++r)
    for (int k = 0; k < K; ++k)
      for (int n = 0; n < N; ++n) c[r][n] = __builtin_fmaf(a[r][k], b[k][n], c[r][n]);
}

/* list: registers of D, A, B and C; data: Fragments; aux: how many registers of D, A and B. */
template <int K>
const Instr* mma(Warp& w, const Instr* i) {
  const Instr* next;
  if (!whole_warp(w, i, &next)) return next;
  const auto& f = *static_cast<const Fragments*>(i->data);
  const Slot *d = i->list, *ra = d + (i->aux & 255), *rb = ra + (i->aux >> 8 & 255), *rc = rb + (i->aux >> 16);
  float a[16][K], b[K][8], c[16][8];
  for (int l = 0; l < kLanes; ++l) {
    for (int e = 0; e < f.a_elements; ++e) {
      const Place p = f.a(l, e, true);
      a[p.row][p.column] = element(w, ra, l, e, i->flags);
    }
    for (int e = 0; e < f.b_elements; ++e) {
      const Place p = f.b(l, e, false);
      b[p.row][p.column] = element(w, rb, l, e, i->flags);
    }
    for (int e = 0; e < 4; ++e) {
      const Place p = accumulator(l, e);
      c[p.row][p.column] = read_accumulator(w, rc, l, e, i->flags & kSingleC);
    }
  }
  multiply<16, 8, K>(a, b, c);
  for (int l = 0; l < kLanes; ++l)
    for (int e = 0; e < 4; ++e) {
      const Place p = accumulator(l, e);
      write_accumulator(w, d, l, e, i->flags & kSingleD, c[p.row][p.column]);
    }
  ++w.counts.matrix_operations;
  return i + 1;
}

const Instr* mma_quads(Warp& w, const Instr* i) {
  const Instr* next;
  if (!whole_warp(w, i, &next)) return next;
  const Slot *d = i->list, *ra = d + (i->aux & 255), *rb = ra + 2, *rc = rb + 2;
  const bool single_c = i->flags & kSingleC, single_d = i->flags & kSingleD;
  for (int q = 0; q < 4; ++q) {
    float a[8][4], b[4][8], c[8][8];
    auto quad = [&](auto f) {
      for (int n = 0; n < 8; ++n) f(n < 4 ? 4 * q + n : 12 + 4 * q + n);
    };
    quad([&](int l) {
      for (int e = 0; e < 4; ++e) {
        const Place p = a_8x4(l, e, i->imm & kARowMajor), r = b_4x8(l, e, i->imm & kBRowMajor);
        a[p.row][p.column] = element(w, ra, l, e, i->flags);
        b[r.row][r.column] = element(w, rb, l, e, i->flags);
      }
      for (int e = 0; e < 8; ++e) {
        const Place p = quad_accumulator(l, e, single_c);
        c[p.row][p.column] = read_accumulator(w, rc, l, e, single_c);
      }
    });
    multiply<8, 8, 4>(a, b, c);
    quad([&](int l) {
      for (int e = 0; e < 8; ++e) {
        const Place p = quad_accumulator(l, e, single_d);
        write_accumulator(w, d, l, e, single_d, c[p.row][p.column]);
      }
    });
  }
  ++w.counts.matrix_operations;
  return i + 1;
}

constexpr Fragments kHalf8{4, 2, a_16x8, b_8x8}, kHalf16{8, 4, a_16x16, b_16x8},
    kTf32x4{2, 1, a_16x4_tf32, b_4x8_tf32}, kTf32x8{4, 2, a_16x8_tf32, b_8x8_tf32};

size_t append(Decode& d, std::vector<Slot>& slots, size_t n, Type t, bool dest) {
  const Operand& o = d.operand(n);
  const std::vector<Operand> parts = o.kind == Operand::vector ? o.parts : std::vector<Operand>{o};
  for (const Operand& p : parts) slots.push_back(dest ? d.dest(p, t) : d.source(p, t));
  return parts.size();
}

bool decode_mma(Decode& d) {
  if (!d.take("sync")) d.unsupported("the form without .sync");
  d.take("aligned");
  const bool quads = d.take("m8n8k4"), k4 = d.take("m16n8k4"), k8 = d.take("m16n8k8"), k16 = d.take("m16n8k16");
  if (!quads && !k4 && !k8 && !k16) d.unsupported("shape");
  std::vector<bool> rows; /* layout of A, then of B */
  for (auto m = d.modifiers.begin(); m != d.modifiers.end();) {
    if (*m == "row" || *m == "col") {
      rows.push_back(*m == "row");
      m = d.modifiers.erase(m);
    } else {
      ++m;
    }
  }
  if (rows.size() != 2) d.invalid("layouts");
  d.out.imm = (rows[0] ? kARowMajor : 0) | (rows[1] ? kBRowMajor : 0);
  const Type td = d.type(), ta = d.type(), tb = d.type(), tc = d.type();
  const auto plain = [](Type t) { return t == Type::f16 || t == Type::f32; };
  if (ta != tb || !plain(td) || !plain(tc)) d.unsupported("types");
  if (!quads && (!rows[0] || rows[1])) d.invalid("layouts other than .row.col");
  const bool tf32 = ta == Type::tf32, half = ta == Type::f16, bfloat = ta == Type::bf16;
  if ((tf32 || bfloat) && (td != Type::f32 || tc != Type::f32)) d.invalid("types");
  d.need_target(quads ? 70 : half && k8 ? 75 : 80);
  const Fragments* f = nullptr;
  if (quads && half) d.out.fn = &mma_quads;
  else if (k8 && (half || bfloat)) d.out.fn = &mma<8>, f = &kHalf8;
  else if (k16 && (half || bfloat)) d.out.fn = &mma<16>, f = &kHalf16;
  else if (k4 && tf32) d.out.fn = &mma<4>, f = &kTf32x4;
  else if (k8 && tf32) d.out.fn = &mma<8>, f = &kTf32x8;
  else d.unsupported("types of this shape");
  d.out.data = f;
  d.out.flags = (bfloat ? kBfloat : 0) | (tf32 ? kTf32 : 0) | (tc == Type::f32 ? kSingleC : 0) |
                (td == Type::f32 ? kSingleD : 0);
  std::vector<Slot> slots;
  const size_t nd = append(d, slots, 0, td == Type::f32 ? Type::f32 : Type::b32, true);
  const size_t na = append(d, slots, 1, Type::b32, false), nb = append(d, slots, 2, Type::b32, false);
  const size_t nc = append(d, slots, 3, tc == Type::f32 ? Type::f32 : Type::b32, false);
  const size_t of_c = quads ? 8 : 4, per = tf32 ? 1 : 2;
  if (nd != (td == Type::f32 ? of_c : of_c / 2) || nc != (tc == Type::f32 ? of_c : of_c / 2) ||
      na != (quads ? 2 : static_cast<size_t>(f->a_elements) / per) ||
      nb != (quads ? 2 : static_cast<size_t>(f->b_elements) / per))
    d.invalid("number of registers");
  d.out.aux = static_cast<uint32_t>(nd | na << 8 | nb << 16);
  d.out.list = d.scope.list(slots);
  return true;
}

/* list: registers of the result, one for each matrix; imm of the address; aux: see note_access. */
template <int kMatrices, bool kTranspose>
const Instr* load_matrix(Warp& w, const Instr* i) {
  const Instr* next;
  if (!whole_warp(w, i, &next)) return next;
  Addresses addr;
  addresses(w, i, addr);
  /* Only the first 8, 16 or 32 lanes give the address of a row. */
  constexpr uint32_t kRows = kMatrices == 4 ? kFull : (1u << (8 * (kMatrices & 3))) - 1;
  w.mask = kRows;
  check_shared(w, i, addr, 16, AccessKind::read, nullptr);
  w.mask = kFull;
  const uint8_t* bytes = w.block->shared.bytes.data();
  for (int m = 0; m < kMatrices; ++m) {
    uint16_t matrix[8][8];
    for (int r = 0; r < 8; ++r) std::memcpy(matrix[r], bytes + addr.at[8 * m + r], 16);
    write<uint32_t>(w, i->list[m], [&](int l) {
      const int r = l / 4, c = l % 4 * 2;
      const uint16_t low = kTranspose ? matrix[c][r] : matrix[r][c];
      const uint16_t high = kTranspose ? matrix[c + 1][r] : matrix[r][c + 1];
      return uint32_t{high} << 16 | low;
    });
  }
  return i + 1;
}

bool decode_ldmatrix(Decode& d) {
  if (!d.take("sync")) d.invalid(".sync is missing");
  d.need_target(75);
  d.take("aligned");
  if (!d.take("m8n8")) d.unsupported("shape");
  const int count = d.take("x1") ? 1 : d.take("x2") ? 2 : d.take("x4") ? 4 : 0;
  const bool transpose = d.take("trans");
  const ptx::Space space = take_space(d);
  if (space != ptx::Space::shared) d.unsupported("a generic address");
  if (d.type() != Type::b16) d.unsupported("type");
  std::vector<Slot> slots;
  if (append(d, slots, 0, Type::b32, true) != static_cast<size_t>(count)) d.invalid("number of registers");
  d.address(d.operand(1), space);
  d.out.list = d.scope.list(slots);
  switch (count) {
    case 1: d.out.fn = transpose ? &load_matrix<1, true> : &load_matrix<1, false>; break;
    case 2: d.out.fn = transpose ? &load_matrix<2, true> : &load_matrix<2, false>; break;
    default: d.out.fn = transpose ? &load_matrix<4, true> : &load_matrix<4, false>;
  }
  note_access(d, 16);
  return true;
}

}  // namespace

void add_matrix_opcodes(Opcodes& all) {
  all["mma"].push_back(decode_mma);
  all["ldmatrix"].push_back(decode_ldmatrix);
}

}  // namespace softgpu
