#include "wisp.h"

#include <string>

namespace wisp {
thread_local std::string last_error;
}

extern "C" {

int32_t wisp_abi(void) { return WISP_ABI; }

const char* wisp_error_message(void) { return wisp::last_error.c_str(); }
}
