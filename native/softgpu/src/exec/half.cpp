#include "exec/convert.h"
namespace softgpu { bool convert_half(Decode&) { return false; }
void add_half_opcodes(Opcodes&) {} void add_matrix_opcodes(Opcodes&) {} void add_copy_opcodes(Opcodes&) {} }
