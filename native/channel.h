// Channel: one FUSE connection's device, polled on Node's own event loop.
//
// Every request is read into one buffer that JavaScript owns and handed to `onRequest`, which answers with
// the length of the reply that it wrote into the reply buffer (0: it answers later, or no answer is due).
// File data goes to the device straight from a descriptor, on this thread where the page cache has it, else
// on a pool thread.
#ifndef STRATAFS_NATIVE_CHANNEL_H_
#define STRATAFS_NATIVE_CHANNEL_H_

#include <napi.h>
#include <uv.h>

#include <cstdint>

#include "transfer_pool.h"

namespace stratafs {

class Channel : public Napi::ObjectWrap<Channel> {
 public:
  static void Register(Napi::Env env, Napi::Object exports);
  explicit Channel(const Napi::CallbackInfo& info);

 private:
  // start(): begins to poll. The channel keeps itself and the event loop alive until close().
  Napi::Value Start(const Napi::CallbackInfo& info);
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
  void Drain();
  // Handles one request that lies in the request buffer; false where JavaScript threw. `is_answered`: at
  // once.
  bool Dispatch(size_t length, bool* is_answered);
  void End(int error);

  int device_;
  // The request that JavaScript handles was answered by Send, SendData or SendFile.
  bool has_sent_ = false;
  uv_poll_t* poll_ = nullptr;
  TransferPool* pool_;
  uint8_t* request_;
  size_t request_size_;
  uint8_t* reply_;
  Napi::Reference<Napi::Uint8Array> request_ref_;
  Napi::Reference<Napi::Uint8Array> reply_ref_;
  Napi::FunctionReference on_request_;
  Napi::FunctionReference on_end_;
  Napi::ObjectReference self_;
  Napi::AsyncContext context_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_CHANNEL_H_
