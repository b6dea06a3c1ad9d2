#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "call_arguments.h"
#include "parts.h"

namespace stratafs {

namespace {

// Limit of requests per turn of the event loop, so that timers and pool answers get their turn.
constexpr int kRequestsPerTurn = 256;
// Limit of its time, so that the other mounts of the process get theirs.
constexpr uint64_t kNanosecondsPerTurn = 2'000'000;
// struct fuse_backing_map and its requests, linux/fuse.h 7.40 (Linux 6.9).
struct BackingMap {
  int32_t fd;
  uint32_t flags;
  uint64_t padding;
};
static_assert(sizeof(BackingMap) == 16, "fuse_backing_map is 16 bytes");
constexpr unsigned long kBackingOpen = _IOW(229, 1, BackingMap);
constexpr unsigned long kBackingClose = _IOW(229, 2, uint32_t);

}  // namespace

void RegisterChannel(Napi::Env env, Napi::Object exports) { Channel::Register(env, exports); }

void Channel::Register(Napi::Env env, Napi::Object exports) {
  exports.Set(
      "Channel",
      DefineClass(
          env, "Channel",
          {InstanceMethod<&Channel::Start>("start"), InstanceMethod<&Channel::Close>("close"),
           InstanceMethod<&Channel::Pause>("pause"), InstanceMethod<&Channel::AnswerFrom>("answerFrom"),
           InstanceMethod<&Channel::CountTableAnswers>("tableAnswers"),
           InstanceMethod<&Channel::Send>("send"), InstanceMethod<&Channel::SendData>("sendData"),
           InstanceMethod<&Channel::SendFile>("sendFile"),
           InstanceMethod<&Channel::OpenBacking>("openBacking"),
           InstanceMethod<&Channel::CloseBacking>("closeBacking")}));
}

// new Channel(fd, request, reply, onRequest, onEnd)
Channel::Channel(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Channel>(info), context_(info.Env(), "stratafs:channel") {
  CallArguments in(info);
  const int device = in.Descriptor(0);
  request_ = in.Buffer(1, &request_size_);
  reply_ = in.Buffer(2, &reply_size_);
  const napi_value on_request = in.Function(3);
  const napi_value on_end = in.Function(4);
  if (in.error() != 0) {
    in.Throw();
    return;
  }
  device_ = device;
  request_ref_ = Napi::Reference<Napi::Uint8Array>::New(Napi::Uint8Array(info.Env(), in.value(1)), 1);
  reply_ref_ = Napi::Reference<Napi::Uint8Array>::New(Napi::Uint8Array(info.Env(), in.value(2)), 1);
  on_request_ = Napi::Persistent(Napi::Function(info.Env(), on_request));
  on_end_ = Napi::Persistent(Napi::Function(info.Env(), on_end));

  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(info.Env(), &loop);
  pool_ = new TransferPool(loop, device_);
}

Napi::Value Channel::Start(const Napi::CallbackInfo& info) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(info.Env(), &loop);
  fcntl(device_, F_SETFL, fcntl(device_, F_GETFL) | O_NONBLOCK);
  poll_ = new uv_poll_t();
  int error = uv_poll_init(loop, poll_, device_);
  if (error != 0) {
    delete poll_;
    poll_ = nullptr;
    return Napi::Number::New(info.Env(), error);
  }
  poll_->data = this;
  self_ = Napi::Persistent(info.This().As<Napi::Object>());
  turn_ = new uv_check_t();
  uv_check_init(loop, turn_);
  turn_->data = this;
  uv_check_start(turn_, OnTurn);
  uv_unref(reinterpret_cast<uv_handle_t*>(turn_));
  return Napi::Number::New(info.Env(), uv_poll_start(poll_, UV_READABLE, OnPoll));
}

Napi::Value Channel::Pause(const Napi::CallbackInfo& info) {
  busy_poll_.Cancel();
  if (poll_ != nullptr) {
    uv_poll_stop(poll_);
    uv_check_stop(turn_);
  }
  return info.Env().Undefined();
}

Napi::Value Channel::Close(const Napi::CallbackInfo& info) {
  if (poll_ != nullptr) {
    uv_poll_stop(poll_);
    uv_close(reinterpret_cast<uv_handle_t*>(poll_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    poll_ = nullptr;
    uv_check_stop(turn_);
    uv_close(reinterpret_cast<uv_handle_t*>(turn_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_check_t*>(handle); });
    turn_ = nullptr;
  }
  if (pool_ != nullptr) {
    pool_->Release();
    pool_ = nullptr;
  }
  self_.Reset();
  return info.Env().Undefined();
}

void Channel::OnPoll(uv_poll_t* poll, int /*status*/, int /*events*/) {
  // If libuv reports an error, a read of the device returns the reason.
  Channel* channel = static_cast<Channel*>(poll->data);
  channel->busy_poll_.Cancel();
  channel->Drain();
}

void Channel::OnTurn(uv_check_t* turn) {
  Channel* channel = static_cast<Channel*>(turn->data);
  if (channel->busy_poll_.IsOn()) channel->Drain();
}

Napi::Value Channel::AnswerFrom(const Napi::CallbackInfo& info) {
  CallArguments in(info);
  answers_ = TableAnswers::Make(Napi::Object(info.Env(), in.value(0)));
  return Napi::Number::New(info.Env(), answers_ == nullptr ? -EINVAL : 0);
}

Napi::Value Channel::CountTableAnswers(const Napi::CallbackInfo& info) {
  return answers_ == nullptr ? info.Env().Undefined() : Napi::Value(answers_->Counts(info.Env()));
}

void Channel::Drain() {
  std::optional<Turn> turn;
  const uint64_t end = uv_hrtime() + kNanosecondsPerTurn;
  for (int i = 0; i < kRequestsPerTurn && poll_ != nullptr;) {
    ssize_t n = read(device_, request_, request_size_);
    if (n >= 0) {
      const uint64_t now = uv_hrtime();
      busy_poll_.End(now);
      // This request is the last one.
      if (now > end) i = kRequestsPerTurn;
      const size_t length = static_cast<size_t>(n);
      std::optional<Outcome> outcome = AnswerFromTable(length);
      if (!outcome.has_value()) {
        if (!turn.has_value()) turn.emplace(Env(), context_);
        outcome = Dispatch(length);
      }
      if (outcome == Outcome::kThrown) return;
      i++;
      if (outcome == Outcome::kAnswered) {
        busy_poll_.Begin(uv_hrtime());
      } else {
        busy_poll_.Cancel();
      }
      continue;
    }
    // ENOENT: the request was interrupted before it was read.
    if (errno == EINTR || errno == ENOENT) continue;
    if (errno == EAGAIN) {
      if (busy_poll_.GoesOn(uv_hrtime())) continue;
      return;
    }
    const int error = errno == ENODEV || errno == ECONNABORTED ? 0 : errno;
    if (!turn.has_value()) turn.emplace(Env(), context_);
    End(error);
    return;
  }
  busy_poll_.Cancel();
}

std::optional<Channel::Outcome> Channel::AnswerFromTable(size_t length) {
  if (answers_ == nullptr) return std::nullopt;
  FastAnswer answer = answers_->Answer(request_, length, reply_, reply_size_);
  if (answer.kind == FastAnswer::kNotMine) return std::nullopt;
  const uint32_t opcode = reinterpret_cast<const InHeader*>(request_)->opcode;
  Outcome outcome = Outcome::kNotAnswered;
  if (answer.kind == FastAnswer::kReply) {
    outcome = Outcome::kAnswered;
    // If the caller of OPEN has gone (ENOENT), no RELEASE will follow.
    if (Write(reply_, answer.length) == -ENOENT) answer.opens = std::min<int8_t>(answer.opens, 0);
  } else if (answer.kind == FastAnswer::kFile) {
    FileReply file;
    file.unique = answer.unique;
    file.fd = answer.fd;
    file.position = answer.position;
    file.length = answer.length;
    file.state = answer.state;
    file.never_waits = answer.never_waits;
    file.node = static_cast<uint64_t>(answer.inode) + 1;
    file.offset = answer.offset;
    if (pool_->Send(file)) outcome = Outcome::kAnswered;
  }
  answers_->Count(opcode, answer);
  return outcome;
}

Channel::Outcome Channel::Dispatch(size_t length) {
  Napi::Env env = Env();
  Napi::HandleScope scope(env);
  has_sent_ = false;
  is_dispatching_ = true;
  Napi::Value result = on_request_.Call({Napi::Number::New(env, static_cast<double>(length))});
  is_dispatching_ = false;
  if (env.IsExceptionPending()) return Outcome::kThrown;
  uint32_t reply_length = result.As<Napi::Number>().Uint32Value();
  // 0: answered later, or no answer is due. If a write fails, the next read reports the reason and ends the
  // connection.
  if (reply_length != 0) Write(reply_, reply_length);
  return reply_length != 0 || has_sent_ ? Outcome::kAnswered : Outcome::kNotAnswered;
}

void Channel::NoteSent() {
  has_sent_ = true;
  if (!is_dispatching_) busy_poll_.Begin(uv_hrtime());
}

int Channel::Write(const uint8_t* bytes, size_t length) {
  int error;
  do error = write(device_, bytes, length) < 0 ? -errno : 0;
  while (error == -EINTR);
  return error;
}

void Channel::End(int error) {
  busy_poll_.Cancel();
  uv_poll_stop(poll_);
  on_end_.Call({Napi::Number::New(Env(), error)});
}

Napi::Value Channel::Send(const Napi::CallbackInfo& info) {
  CallArguments in(info);
  const ByteSpan bytes = in.Bytes(0);
  const size_t length = in.Uint(1);
  if (length > bytes.size) in.Fail(-EINVAL);
  int error = in.error();
  if (error == 0 && pool_ != nullptr) {
    error = Write(bytes.data, length);
    NoteSent();
  }
  return Napi::Value(info.Env(), in.MakeNumber(error));
}

Napi::Value Channel::SendData(const Napi::CallbackInfo& info) {
  CallArguments in(info);
  const uint64_t unique = in.Unique(0);
  const ByteSpan bytes = in.Bytes(1);
  int error = in.error();
  if (error == 0 && pool_ != nullptr) {
    error = WriteReply(device_, OutHeader{0, 0, unique}, bytes.data, bytes.size);
  }
  NoteSent();
  return Napi::Value(info.Env(), in.MakeNumber(error));
}

Napi::Value Channel::SendFile(const Napi::CallbackInfo& info) {
  CallArguments in(info);
  FileReply file;
  file.unique = in.Unique(0);
  file.fd = in.Descriptor(1);
  file.position = in.Int64(2);
  file.length = in.Uint(3);
  file.may_end = in.Bool(4);
  if (in.count() > 5) file.state = {in.Int64(5), in.Int64(6), in.Int64(7)};
  if (in.error() != 0) {
    in.Throw();
  } else if (pool_ != nullptr) {
    file.never_waits = file.length >= ReplyPipe::kLeastBytes && NeverWaits(file.fd);
    if (pool_->Send(file)) NoteSent();
  }
  return info.Env().Undefined();
}

Napi::Value Channel::OpenBacking(const Napi::CallbackInfo& info) {
  CallArguments in(info);
  BackingMap map = {in.Descriptor(0), 0, 0};
  if (pool_ == nullptr) in.Fail(-ENODEV);
  return Napi::Value(info.Env(), in.Answer([&] { return ioctl(device_, kBackingOpen, &map); }));
}

Napi::Value Channel::CloseBacking(const Napi::CallbackInfo& info) {
  CallArguments in(info);
  uint32_t id = in.Uint(0);
  // The kernel closes the backing file with the connection.
  return Napi::Value(info.Env(),
                     in.Answer([&] { return pool_ == nullptr ? 0 : ioctl(device_, kBackingClose, &id); }));
}

}  // namespace stratafs
