// Channel: one FUSE connection's device, polled on Node's own event loop.
//
// Every request is read into one buffer that JavaScript owns. What the table alone answers is answered here;
// the rest is handed to `onRequest`, which answers with the length of the reply that it wrote into the reply
// buffer (0: it answers later, or no answer is due). All that, the table's answers too, is done on one thread
// and between two turns of JavaScript: what it changes holds for the next request.
// File data goes to the device straight from a descriptor, on this thread where the page cache has it, else
// on a pool thread.
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
  // start(): begins to poll. The channel keeps itself and the event loop alive until close().
  Napi::Value Start(const Napi::CallbackInfo& info);
  // answerFrom(facts): from now on what the table alone answers is answered here. 0 or -EINVAL.
  Napi::Value AnswerFrom(const Napi::CallbackInfo& info);
  // tableAnswers(): TableAnswers::Counts; undefined without a table.
  Napi::Value CountTableAnswers(const Napi::CallbackInfo& info);
  // close(): stops polling; the device is closed once transfers under way have ended.
  Napi::Value Close(const Napi::CallbackInfo& info);
  // send(bytes, length): a whole reply or notice that JavaScript made.
  Napi::Value Send(const Napi::CallbackInfo& info);
  // sendData(unique, bytes): header made here, data from memory.
  Napi::Value SendData(const Napi::CallbackInfo& info);
  // sendFile(unique, fd, position, length, mayEnd): header made here, data from a file.
  Napi::Value SendFile(const Napi::CallbackInfo& info);
  // openBacking(fd): a backing id.
  Napi::Value OpenBacking(const Napi::CallbackInfo& info);
  // closeBacking(id)
  Napi::Value CloseBacking(const Napi::CallbackInfo& info);

  static void OnPoll(uv_poll_t* poll, int status, int events);
  // What became of a request.
  enum class Outcome { kAnswered, kNotAnswered, kThrown };
  // JavaScript runs within one.
  struct Turn {
    Turn(Napi::Env env, Napi::AsyncContext& context) : handles(env), callbacks(env, context) {}
    Napi::HandleScope handles;
    // Promises that a request settled run their reactions when it closes, once a turn and not once a request.
    Napi::CallbackScope callbacks;
  };
  // Handles what requests there are; JavaScript is entered only for those that are its to answer.
  void Drain();
  // Handles one request that lies in the request buffer.
  Outcome Dispatch(size_t length);
  // The same without JavaScript; nothing if it is not native code's to answer.
  std::optional<Outcome> AnswerFromTable(size_t length);
  // A whole reply or notice: 0 or a negative errno.
  int Write(const uint8_t* bytes, size_t length);
  void End(int error);

  int device_;
  // The request that JavaScript handles was answered by Send, SendData or SendFile.
  bool has_sent_ = false;
  uv_poll_t* poll_ = nullptr;
  TransferPool* pool_;
  std::unique_ptr<TableAnswers> answers_;
  BusyPoll busy_poll_;
  uint8_t* request_;
  size_t request_size_;
  uint8_t* reply_;
  size_t reply_size_;
  Napi::Reference<Napi::Uint8Array> request_ref_;
  Napi::Reference<Napi::Uint8Array> reply_ref_;
  Napi::FunctionReference on_request_;
  Napi::FunctionReference on_end_;
  Napi::ObjectReference self_;
  Napi::AsyncContext context_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_CHANNEL_H_
