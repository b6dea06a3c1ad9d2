// TableAnswers: the table and facts from which a mount's requests are answered without JavaScript
// (fast_answer.h), and the count of the answers. Used only on the loop's thread.
#ifndef STRATAFS_NATIVE_TABLE_ANSWERS_H_
#define STRATAFS_NATIVE_TABLE_ANSWERS_H_

#include <napi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "fast_answer.h"
#include "fast_request.h"
#include "fuse_messages.h"
#include "tree_table.h"
#include "upper_answer.h"

namespace stratafs {

class TableAnswers {
 public:
  // Null if `facts` (TableFacts of src/sys/table-answers.ts) has no valid table.
  static std::unique_ptr<TableAnswers> Make(Napi::Object facts);

  FastAnswer Answer(const uint8_t* request, size_t length, uint8_t* reply, size_t capacity) const {
    const FastRequest whole(request, length, reply, capacity);
    const FastAnswer answer = AnswerFast(whole, table_, facts_, opens_);
    if (answer.kind != FastAnswer::kNotMine) return answer;
    return AnswerFromUpper(whole, table_, facts_, upper_rows_, hidden_);
  }

  // Counts an answer to a request of kind `opcode` that the kernel accepted, or a request without answer.
  void Count(uint32_t opcode, const FastAnswer& answer);
  // Answers so far by opcode, then the bytes of READ answers.
  Napi::Float64Array Counts(Napi::Env env) const;

 private:
  TreeTable table_;
  MountFacts facts_;
  uint32_t* opens_ = nullptr;
  UpperRows upper_rows_;
  const uint8_t* hidden_ = nullptr;
  // Keep the memory alive that the members above point to.
  Napi::Reference<Napi::ArrayBuffer> table_ref_;
  Napi::Reference<Napi::Uint8Array> pristine_ref_;
  Napi::Reference<Napi::Uint32Array> opens_ref_;
  Napi::Reference<Napi::Float64Array> upper_rows_ref_;
  Napi::Reference<Napi::Uint8Array> hidden_ref_;
  std::array<double, kOpcodeCount + 1> counts_ = {};
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TABLE_ANSWERS_H_
