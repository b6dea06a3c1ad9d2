// TableAnswers: what a mount's requests are answered from without JavaScript (fast_answer.h), as JavaScript
// tells it once, and the count of what was answered. Used on the loop's thread only.
#ifndef STRATAFS_NATIVE_TABLE_ANSWERS_H_
#define STRATAFS_NATIVE_TABLE_ANSWERS_H_

#include <napi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "fast_answer.h"
#include "fuse_messages.h"
#include "tree_table.h"

namespace stratafs {

class TableAnswers {
 public:
  // Null where `facts` (TableFacts of src/sys/table-answers.ts) has no table that is understood.
  static std::unique_ptr<TableAnswers> Make(Napi::Object facts);

  FastAnswer Answer(const uint8_t* request, size_t length, uint8_t* reply, size_t capacity) const {
    return AnswerFast(request, length, table_, facts_, opens_, reply, capacity);
  }

  // The kernel took the answer to a request of kind `opcode`, or none was due.
  void Count(uint32_t opcode, const FastAnswer& answer);
  // Answers so far by opcode, then the bytes that READ was answered.
  Napi::Float64Array Counts(Napi::Env env) const;

 private:
  TreeTable table_;
  MountFacts facts_;
  uint32_t* opens_ = nullptr;
  // They keep what the two above point to.
  Napi::Reference<Napi::ArrayBuffer> table_ref_;
  Napi::Reference<Napi::Uint32Array> opens_ref_;
  std::array<double, kOpcodeCount + 1> counts_ = {};
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TABLE_ANSWERS_H_
