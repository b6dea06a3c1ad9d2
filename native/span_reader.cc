// Decompression of one span.
#include "parts.h"

namespace stratafs {

void RegisterSpanReader(Napi::Env /*env*/, Napi::Object /*exports*/) {}

}  // namespace stratafs
