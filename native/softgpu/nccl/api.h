/* The part of NCCL 2's API that the stand-in implements, declared from the public documentation. */
#ifndef SOFTGPU_NCCL_API_H
#define SOFTGPU_NCCL_API_H

#include <cstddef>

#define NCCL_API extern "C" __attribute__((visibility("default")))

constexpr int kNcclVersion = 22304;

enum ncclResult_t : int {
  ncclSuccess = 0,
  ncclUnhandledCudaError = 1,
  ncclSystemError = 2,
  ncclInternalError = 3,
  ncclInvalidArgument = 4,
  ncclInvalidUsage = 5,
  ncclRemoteError = 6,
};
enum ncclDataType_t : int {
  ncclInt8 = 0,
  ncclUint8 = 1,
  ncclInt32 = 2,
  ncclUint32 = 3,
  ncclInt64 = 4,
  ncclUint64 = 5,
  ncclFloat16 = 6,
  ncclFloat32 = 7,
  ncclFloat64 = 8,
};
enum ncclRedOp_t : int { ncclSum = 0, ncclProd = 1, ncclMax = 2, ncclMin = 3, ncclAvg = 4 };

struct ncclUniqueId {
  char internal[128];
};
using ncclComm_t = struct ncclComm*;

NCCL_API ncclResult_t ncclGetVersion(int*);
NCCL_API const char* ncclGetErrorString(ncclResult_t);
NCCL_API const char* ncclGetLastError(ncclComm_t);
NCCL_API ncclResult_t ncclGetUniqueId(ncclUniqueId*);
NCCL_API ncclResult_t ncclCommInitRank(ncclComm_t*, int ranks, ncclUniqueId, int rank);
NCCL_API ncclResult_t ncclCommInitAll(ncclComm_t*, int devices, const int* list);
NCCL_API ncclResult_t ncclCommDestroy(ncclComm_t);
NCCL_API ncclResult_t ncclCommAbort(ncclComm_t);
NCCL_API ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t*);
NCCL_API ncclResult_t ncclCommCount(ncclComm_t, int*);
NCCL_API ncclResult_t ncclCommCuDevice(ncclComm_t, int*);
NCCL_API ncclResult_t ncclCommUserRank(ncclComm_t, int*);
NCCL_API ncclResult_t ncclGroupStart();
NCCL_API ncclResult_t ncclGroupEnd();
NCCL_API ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t, ncclRedOp_t,
                                    ncclComm_t, void* stream);
NCCL_API ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count, ncclDataType_t, int root,
                                    ncclComm_t, void* stream);

#endif
