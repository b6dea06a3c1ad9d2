// The addon's entry: registers every part. C++ holds no file-system policy.
#include "parts.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  stratafs::RegisterChannel(env, exports);
  stratafs::RegisterDeviceWatch(env, exports);
  stratafs::RegisterLoopCalls(env, exports);
  stratafs::RegisterLoopTurns(env, exports);
  stratafs::RegisterMountCalls(env, exports);
  stratafs::RegisterNameLock(env, exports);
  stratafs::RegisterFileCalls(env, exports);
  stratafs::RegisterBlobScan(env, exports);
  stratafs::RegisterProcessCalls(env, exports);
  stratafs::RegisterSpanReader(env, exports);
  stratafs::RegisterTableAnswers(env, exports);
  stratafs::RegisterTableChecks(env, exports);
  stratafs::RegisterUpperAttributes(env, exports);
  stratafs::RegisterUpperData(env, exports);
  stratafs::RegisterUpperFill(env, exports);
  stratafs::RegisterUpperJobs(env, exports);
  stratafs::RegisterUpperNames(env, exports);
  stratafs::RegisterUpperXattrs(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(stratafs, Init)
