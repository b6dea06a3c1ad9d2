// checkTree and checkLayerIndex: the JavaScript interface of tree_check.h and index_check.h
// (src/sys/table-check.ts). The pass runs on a pool thread, because a table may be large.
#include <string>
#include <utility>
#include <vector>

#include "call_arguments.h"
#include "index_check.h"
#include "parts.h"
#include "pool_job.h"
#include "tree_check.h"

namespace stratafs {

namespace {

// Checks a table on a pool thread. The promise's value is the fault as text, or undefined.
class CheckJob : public PoolJob {
 protected:
  virtual TableFault Check() = 0;

  int64_t Run() override {
    fault_ = Check();
    return 0;
  }

  napi_value MakeAnswer(napi_env env, int64_t result) override {
    if (result != 0) return PoolJob::MakeAnswer(env, result);
    napi_value answer = nullptr;
    if (!fault_) {
      napi_get_undefined(env, &answer);
    } else {
      const std::string text = std::string(fault_.rule) + " (" + std::to_string(fault_.entry) + ")";
      napi_create_string_latin1(env, text.data(), text.size(), &answer);
    }
    return answer;
  }

 private:
  TableFault fault_;
};

class TreeJob : public CheckJob {
 public:
  TreeJob(const void* bytes, size_t size) : bytes_(static_cast<const uint8_t*>(bytes)), size_(size) {}

 protected:
  TableFault Check() override {
    TreeTable table;
    return table.Open(bytes_, size_) ? CheckTree(table) : TableFault{"it is not a table", 0};
  }

 private:
  const uint8_t* const bytes_;
  const size_t size_;
};

class IndexJob : public CheckJob {
 public:
  explicit IndexJob(const IndexTable& table) : table_(table) {}

 protected:
  TableFault Check() override { return CheckIndex(table_); }

 private:
  const IndexTable table_;
};

// checkTree(table)
napi_value CheckTreeLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  void* bytes = nullptr;
  size_t size = 0;
  if (napi_get_arraybuffer_info(env, in.value(0), &bytes, &size) != napi_ok) return in.Throw();
  TreeJob* job = new TreeJob(bytes, size);
  job->Keep(env, in.value(0));
  return PoolJob::Queue(&in, job);
}

// Reads a column of `index`; false if it is missing or of another type.
bool ReadColumn(napi_env env, napi_value index, size_t n, IndexTable* table) {
  napi_value value = nullptr;
  if (napi_get_named_property(env, index, kIndexColumns[n].name, &value) != napi_ok) return false;
  bool is_array = false;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array) return false;
  const Napi::TypedArray column(env, value);
  if (column.ElementSize() != kIndexColumns[n].bytes) return false;
  table->columns[n] = static_cast<const uint8_t*>(column.ArrayBuffer().Data()) + column.ByteOffset();
  table->counts[n] = column.ElementLength();
  return true;
}

// checkLayerIndex(index, tarSize)
napi_value CheckIndexLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  IndexTable table;
  if (napi_get_value_double(env, in.value(1), &table.tar_size) != napi_ok) return in.Throw();
  for (size_t n = 0; n < kIndexColumnCount; n++) {
    if (!ReadColumn(env, in.value(0), n, &table)) return in.Throw();
  }
  if (!table.HasEqualColumns()) return in.Throw();
  IndexJob* job = new IndexJob(table);
  job->Keep(env, in.value(0));
  return PoolJob::Queue(&in, job);
}

// indexColumns(): [name, bytes of an element, ...] in order.
napi_value IndexColumns(napi_env env, napi_callback_info /*info*/) {
  Napi::Array columns = Napi::Array::New(env);
  for (const IndexColumnRule& rule : kIndexColumns) {
    columns.Set(columns.Length(), Napi::String::New(env, rule.name));
    columns.Set(columns.Length(), Napi::Number::New(env, rule.bytes));
  }
  return columns;
}

}  // namespace

void RegisterTableChecks(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {
      {"checkTree", CheckTreeLater}, {"checkLayerIndex", CheckIndexLater}, {"indexColumns", IndexColumns}};
  ExportCalls(env, exports, calls);
}

}  // namespace stratafs
