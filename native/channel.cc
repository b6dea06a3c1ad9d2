// Requests and replies on /dev/fuse.
#include "parts.h"

namespace stratafs {

void RegisterChannel(Napi::Env /*env*/, Napi::Object /*exports*/) {}

}  // namespace stratafs
