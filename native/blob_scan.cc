// The pass over a blob: digests, checkpoints, tar framing.
#include "parts.h"

namespace stratafs {

void RegisterBlobScan(Napi::Env /*env*/, Napi::Object /*exports*/) {}

}  // namespace stratafs
