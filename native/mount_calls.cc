// mount(2), umount2(2) and descriptor passing.
#include "parts.h"

namespace stratafs {

void RegisterMountCalls(Napi::Env /*env*/, Napi::Object /*exports*/) {}

}  // namespace stratafs
