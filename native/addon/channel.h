// Channel: the device of one FUSE connection, polled on Node's event loop.
//
// Every request is read into one buffer that JavaScript owns. Requests that the table alone can answer are
// answered here. The rest goes to `onRequest`, which writes a reply into the reply buffer and returns its
// length (0: a later answer, or none due). Both kinds of answers are made on one thread, between two turns of
// JavaScript: a change takes effect before the next request. File data goes to the device directly from a
// descriptor: on this thread if it is in the page cache (large replies by splice), else on a pool thread.
#ifndef STRATAFS_NATIVE_CHANNEL_H_
#define STRATAFS_NATIVE_CHANNEL_H_

#include <napi.h>
#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "busy_poll.h"
#include "table_answers.h"
#include "transfer_pool.h"

namespace stratafs {

class Channel : public Napi::ObjectWrap<Channel> {
 public:
  static void Register(Napi::Env env, Napi::Object exports);
  explicit Channel(const Napi::CallbackInfo& info);

 private:
  // start(): starts to poll. The channel keeps itself and the event loop alive until close().
  Napi::Value Start(const Napi::CallbackInfo& info);
  // pause(): stops polling for good; what is under way is still answered.
  Napi::Value Pause(const Napi::CallbackInfo& info);
  // answerFrom(facts): from now on the table answers what it can. 0 or -EINVAL.
  Napi::Value AnswerFrom(const Napi::CallbackInfo& info);
  // tableAnswers(): TableAnswers::Counts; undefined without a table.
  Napi::Value CountTableAnswers(const Napi::CallbackInfo& info);
  // close(): stops polling; the device is closed after the transfers under way.
  Napi::Value Close(const Napi::CallbackInfo& info);
  // send(bytes, length): a whole reply or notice from JavaScript.
  Napi::Value Send(const Napi::CallbackInfo& info);
  // sendData(unique, bytes): a header made here, with data from memory.
  Napi::Value SendData(const Napi::CallbackInfo& info);
  // sendFile(unique, fd, position, length, mayEnd): a header made here, with data from a file.
  Napi::Value SendFile(const Napi::CallbackInfo& info);
  // openBacking(fd): a backing id.
  Napi::Value OpenBacking(const Napi::CallbackInfo& info);
  // closeBacking(id)
  Napi::Value CloseBacking(const Napi::CallbackInfo& info);

  static void OnPoll(uv_poll_t* poll, int status, int events);
  static void OnTurn(uv_check_t* turn);
  // The result of a request.
  enum class Outcome { kAnswered, kNotAnswered, kThrown };
  // The scope in which JavaScript runs.
  struct Turn {
    Turn(Napi::Env env, Napi::AsyncContext& context) : handles(env), callbacks(env, context) {}
    Napi::HandleScope handles;
    // Runs the reactions of settled promises when it closes: once per turn, not once per request.
    Napi::CallbackScope callbacks;
  };
  // Handles the waiting requests; enters JavaScript only for those that it must answer.
  void Drain();
  // Handles the request in the request buffer.
  Outcome Dispatch(size_t length);
  // The same without JavaScript; no value if JavaScript must answer.
  std::optional<Outcome> AnswerFromTable(size_t length);
  // Something was sent. After the answer to an earlier request, the next one is polled for as after any
  // other.
  void NoteSent();
  // Sends a whole reply or notice: 0 or a negative errno.
  int Write(const uint8_t* bytes, size_t length);
  void End(int error);

  int device_ = -1;
  // Send, SendData or SendFile has answered the request that JavaScript is handling.
  bool has_sent_ = false;
  // JavaScript is handling the request in the request buffer.
  bool is_dispatching_ = false;
  uv_poll_t* poll_ = nullptr;
  uv_check_t* turn_ = nullptr;
  TransferPool* pool_ = nullptr;
  std::unique_ptr<TableAnswers> answers_;
  BusyPoll busy_poll_;
  uint8_t* request_ = nullptr;
  size_t request_size_ = 0;
  uint8_t* reply_ = nullptr;
  size_t reply_size_ = 0;
  Napi::Reference<Napi::Uint8Array> request_ref_;
  Napi::Reference<Napi::Uint8Array> reply_ref_;
  Napi::FunctionReference on_request_;
  Napi::FunctionReference on_end_;
  Napi::ObjectReference self_;
  Napi::AsyncContext context_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_CHANNEL_H_
