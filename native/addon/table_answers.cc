#include "table_answers.h"

#include "call_arguments.h"
#include "parts.h"
#include "reply_pipe.h"

namespace stratafs {

namespace {

uint32_t ReadUint(const Napi::Object& facts, const char* name) {
  return facts.Get(name).As<Napi::Number>().Uint32Value();
}

std::string ReadText(const Napi::Object& facts, const char* name) {
  return facts.Get(name).As<Napi::String>().Utf8Value();
}

bool ReadBool(const Napi::Object& facts, const char* name) {
  return facts.Get(name).As<Napi::Boolean>().Value();
}

// A Uint32Array of pairs.
ShownIds ReadIds(const Napi::Object& facts, const char* name) {
  const Napi::Uint32Array pairs = facts.Get(name).As<Napi::Uint32Array>();
  ShownIds ids;
  ids.reserve(pairs.ElementLength() / 2);
  for (size_t i = 0; i + 1 < pairs.ElementLength(); i += 2) ids.emplace_back(pairs[i], pairs[i + 1]);
  return ids;
}

// A Float64Array: for each layer the descriptor, position and size, then size and mtime of the file that
// holds it.
std::vector<PlainBlob> ReadBlobs(const Napi::Object& facts) {
  const Napi::Float64Array numbers = facts.Get("blobs").As<Napi::Float64Array>();
  std::vector<PlainBlob> blobs;
  for (size_t i = 0; i + 5 < numbers.ElementLength(); i += 6) {
    const FileState state = {static_cast<int64_t>(numbers[i + 3]), static_cast<int64_t>(numbers[i + 4]),
                             static_cast<int64_t>(numbers[i + 5])};
    const int fd = static_cast<int>(numbers[i]);
    blobs.push_back({fd, static_cast<int64_t>(numbers[i + 1]), static_cast<uint64_t>(numbers[i + 2]), state,
                     fd >= 0 && NeverWaits(fd)});
  }
  return blobs;
}

MountFacts ReadFacts(const Napi::Object& object) {
  MountFacts facts;
  facts.is_read_only = ReadBool(object, "isReadOnly");
  facts.counts_links = ReadBool(object, "countsLinks");
  facts.own_xattr_prefix = ReadText(object, "ownXattrPrefix");
  facts.unsupported_xattr = ReadText(object, "unsupportedXattr");
  facts.maps_owners = ReadBool(object, "mapsOwners");
  facts.hides_sticky_bits = ReadBool(object, "hidesStickyBits");
  facts.users = ReadIds(object, "users");
  facts.groups = ReadIds(object, "groups");
  facts.blobs = ReadBlobs(object);
  facts.validity = ReadUint(object, "validity");
  facts.open_flags = ReadUint(object, "openFlags");
  facts.block_size = ReadUint(object, "blockSize");
  facts.max_read = ReadUint(object, "maxRead");
  return facts;
}

// treeColumns(): [name, bytes of an element, ...] in order.
napi_value TreeColumns(napi_env env, napi_callback_info /*info*/) {
  Napi::Array columns = Napi::Array::New(env);
  for (const TreeColumnRule& rule : kTreeColumns) {
    columns.Set(columns.Length(), Napi::String::New(env, rule.name));
    columns.Set(columns.Length(), Napi::Number::New(env, rule.bytes));
  }
  return columns;
}

// answerFast(facts, request, reply): undefined if JavaScript answers the request; else [kind, length, fd,
// position, opens]. For tests: it sends nothing and counts nothing.
napi_value ShowAnswer(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const ByteSpan request = in.Bytes(1);
  size_t capacity = 0;
  uint8_t* const reply = in.Buffer(2, &capacity);
  if (in.error() != 0) return in.Throw();
  const std::unique_ptr<TableAnswers> answers = TableAnswers::Make(Napi::Object(env, in.value(0)));
  if (answers == nullptr) return Napi::Env(env).Null();
  const FastAnswer answer = answers->Answer(request.data, request.size, reply, capacity);
  if (answer.kind == FastAnswer::kNotMine) return Napi::Env(env).Undefined();
  Napi::Array shown = Napi::Array::New(env);
  for (const double number :
       {static_cast<double>(answer.kind), static_cast<double>(answer.length), static_cast<double>(answer.fd),
        static_cast<double>(answer.position), static_cast<double>(answer.opens)}) {
    shown.Set(shown.Length(), Napi::Number::New(env, number));
  }
  return shown;
}

}  // namespace

void RegisterTableAnswers(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {{"treeColumns", TreeColumns}, {"answerFast", ShowAnswer}};
  ExportCalls(env, exports, calls);
}

std::unique_ptr<TableAnswers> TableAnswers::Make(Napi::Object facts) {
  std::unique_ptr<TableAnswers> answers(new TableAnswers());
  Napi::ArrayBuffer table = facts.Get("table").As<Napi::ArrayBuffer>();
  if (!answers->table_.Open(static_cast<const uint8_t*>(table.Data()), table.ByteLength())) return nullptr;
  answers->facts_ = ReadFacts(facts);
  const Napi::Value pristine = facts.Get("pristine");
  if (pristine.IsTypedArray()) {
    Napi::Uint8Array marks = pristine.As<Napi::Uint8Array>();
    if (marks.ElementLength() < answers->table_.inode_count()) return nullptr;
    answers->table_.UseMarks(marks.Data());
    answers->pristine_ref_ = Napi::Reference<Napi::Uint8Array>::New(marks, 1);
  }
  answers->table_ref_ = Napi::Reference<Napi::ArrayBuffer>::New(table, 1);
  const Napi::Value opens = facts.Get("opens");
  if (opens.IsTypedArray()) {
    Napi::Uint32Array counts = opens.As<Napi::Uint32Array>();
    if (counts.ElementLength() < answers->table_.inode_count()) return nullptr;
    answers->opens_ = counts.Data();
    answers->opens_ref_ = Napi::Reference<Napi::Uint32Array>::New(counts, 1);
  }
  const Napi::Value upper_rows = facts.Get("upperRows");
  if (upper_rows.IsTypedArray()) {
    Napi::Float64Array numbers = upper_rows.As<Napi::Float64Array>();
    answers->upper_rows_ = {numbers.Data(), numbers.ElementLength() / UpperRows::kRowLength};
    answers->upper_rows_ref_ = Napi::Reference<Napi::Float64Array>::New(numbers, 1);
  }
  const Napi::Value hidden = facts.Get("hidden");
  if (hidden.IsTypedArray()) {
    Napi::Uint8Array marks = hidden.As<Napi::Uint8Array>();
    if (marks.ElementLength() < answers->table_.dentry_count()) return nullptr;
    answers->hidden_ = marks.Data();
    answers->hidden_ref_ = Napi::Reference<Napi::Uint8Array>::New(marks, 1);
  }
  return answers;
}

void TableAnswers::Count(uint32_t opcode, const FastAnswer& answer) {
  counts_[opcode]++;
  if (answer.kind == FastAnswer::kFile) counts_[kOpcodeCount] += static_cast<double>(answer.length);
  if (answer.opens != 0) opens_[answer.inode] += static_cast<uint32_t>(static_cast<int32_t>(answer.opens));
}

Napi::Float64Array TableAnswers::Counts(Napi::Env env) const {
  Napi::Float64Array counts = Napi::Float64Array::New(env, counts_.size());
  for (size_t i = 0; i < counts_.size(); i++) counts[i] = counts_[i];
  return counts;
}

}  // namespace stratafs
