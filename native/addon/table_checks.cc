// checkTree and checkLayerIndex: the JavaScript interface of tree_check.h and index_check.h
// (src/sys/table-check.ts). The pass runs on a pool thread, because a table may be large.
#include <string>
#include <utility>
#include <vector>

#include "index_check.h"
#include "parts.h"
#include "tree_check.h"

namespace stratafs {

namespace {

// Lends a table to a pool thread; its buffers stay alive until the promise settles.
class CheckWorker : public Napi::AsyncWorker {
 public:
  CheckWorker(Napi::Env env, const char* name, Napi::Object lent)
      : Napi::AsyncWorker(env, name),
        deferred_(Napi::Promise::Deferred::New(env)),
        lent_(Napi::Persistent(lent)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    if (!fault_) {
      deferred_.Resolve(Env().Undefined());
    } else {
      const std::string text = std::string(fault_.rule) + " (" + std::to_string(fault_.entry) + ")";
      deferred_.Resolve(Napi::String::New(Env(), text));
    }
  }

 protected:
  TableFault fault_;

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference lent_;
};

class TreeWorker : public CheckWorker {
 public:
  TreeWorker(Napi::Env env, Napi::ArrayBuffer table)
      : CheckWorker(env, "stratafs.checkTree", table),
        bytes_(static_cast<const uint8_t*>(table.Data())),
        size_(table.ByteLength()) {}

  void Execute() override {
    TreeTable table;
    fault_ = table.Open(bytes_, size_) ? CheckTree(table) : TableFault{"it is not a table", 0};
  }

 private:
  const uint8_t* const bytes_;
  const size_t size_;
};

class IndexWorker : public CheckWorker {
 public:
  IndexWorker(Napi::Env env, Napi::Object index, const IndexTable& table)
      : CheckWorker(env, "stratafs.checkLayerIndex", index), table_(table) {}

  void Execute() override { fault_ = CheckIndex(table_); }

 private:
  const IndexTable table_;
};

// checkTree(table)
Napi::Value CheckTreeLater(const Napi::CallbackInfo& info) {
  if (!info[0].IsArrayBuffer()) {
    Napi::TypeError::New(info.Env(), "checkTree wants an ArrayBuffer").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  TreeWorker* worker = new TreeWorker(info.Env(), info[0].As<Napi::ArrayBuffer>());
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

// checkLayerIndex(index, tarSize)
Napi::Value CheckIndexLater(const Napi::CallbackInfo& info) {
  const Napi::Object index = info[0].As<Napi::Object>();
  IndexTable table;
  table.tar_size = info[1].As<Napi::Number>().DoubleValue();
  bool is_index = true;
  for (size_t n = 0; n < kIndexColumnCount; n++) {
    const Napi::Value value = index.Get(kIndexColumns[n].name);
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().ElementSize() != kIndexColumns[n].bytes) {
      is_index = false;
      break;
    }
    const Napi::TypedArray column = value.As<Napi::TypedArray>();
    table.columns[n] = static_cast<const uint8_t*>(column.ArrayBuffer().Data()) + column.ByteOffset();
    table.counts[n] = column.ElementLength();
  }
  if (!is_index || !table.HasEqualColumns()) {
    Napi::TypeError::New(info.Env(), "checkLayerIndex wants a LayerIndex").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  IndexWorker* worker = new IndexWorker(info.Env(), index, table);
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

// indexColumns(): [name, bytes of an element, ...] in order.
Napi::Value IndexColumns(const Napi::CallbackInfo& info) {
  Napi::Array columns = Napi::Array::New(info.Env());
  for (const IndexColumnRule& rule : kIndexColumns) {
    columns.Set(columns.Length(), Napi::String::New(info.Env(), rule.name));
    columns.Set(columns.Length(), Napi::Number::New(info.Env(), rule.bytes));
  }
  return columns;
}

}  // namespace

void RegisterTableChecks(Napi::Env env, Napi::Object exports) {
  exports.Set("checkTree", Napi::Function::New(env, CheckTreeLater, "checkTree"));
  exports.Set("checkLayerIndex", Napi::Function::New(env, CheckIndexLater, "checkLayerIndex"));
  exports.Set("indexColumns", Napi::Function::New(env, IndexColumns, "indexColumns"));
}

}  // namespace stratafs
