#include "kernels.h"

namespace wisp {
namespace WISP_TIER {

const Kernels table = {
#define WISP_ENTRY(name, parameters) name,
    WISP_ALL_KERNELS(WISP_ENTRY)
#undef WISP_ENTRY
};

}  // namespace WISP_TIER
}  // namespace wisp
