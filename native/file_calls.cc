// File system calls that Node lacks.
#include "parts.h"

namespace stratafs {

void RegisterFileCalls(Napi::Env /*env*/, Napi::Object /*exports*/) {}

}  // namespace stratafs
