// Detects the end of a FUSE connection that another part of the process serves: from then on its device polls
// as an error.
//
// It neither reads requests nor waits for them: epoll always reports errors, and no other event is requested.
// The device is in an epoll instance of its own, because libuv makes what it polls non-blocking, which its
// owner may not expect.
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include "call_arguments.h"
#include "parts.h"

namespace stratafs {

namespace {

class DeviceWatch : public Napi::ObjectWrap<DeviceWatch> {
 public:
  static void Register(Napi::Env env, Napi::Object exports) {
    exports.Set("DeviceWatch", DefineClass(env, "DeviceWatch",
                                           {InstanceMethod<&DeviceWatch::Start>("start"),
                                            InstanceMethod<&DeviceWatch::Close>("close")}));
  }

  // new DeviceWatch(fd, onEnd)
  explicit DeviceWatch(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<DeviceWatch>(info), context_(info.Env(), "stratafs:deviceWatch") {
    CallArguments in(info);
    watched_ = in.Descriptor(0);
    const napi_value on_end = in.Function(1);
    if (in.error() != 0) {
      in.Throw();
      return;
    }
    on_end_ = Napi::Persistent(Napi::Function(info.Env(), on_end));
  }

  ~DeviceWatch() override { Stop(); }

 private:
  Napi::Value Start(const Napi::CallbackInfo& info) {
    int error = Begin(info.Env());
    if (error == 0) {
      self_ = Napi::Persistent(info.This().As<Napi::Object>());
    } else {
      Stop();
    }
    return Napi::Number::New(info.Env(), error);
  }

  // 0 or a negative errno; after an error Stop() undoes the part that was done.
  int Begin(Napi::Env env) {
    // A duplicate, because the owner may close its descriptor: the device would leave the epoll instance with
    // the last descriptor.
    device_ = fcntl(watched_, F_DUPFD_CLOEXEC, 0);
    if (device_ < 0) return -errno;
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return -errno;
    struct epoll_event event = {};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, device_, &event) < 0) return -errno;
    uv_loop_t* loop = nullptr;
    napi_get_uv_event_loop(env, &loop);
    poll_ = new uv_poll_t();
    int error = uv_poll_init(loop, poll_, epoll_);
    if (error != 0) {
      delete poll_;
      poll_ = nullptr;
      return error;
    }
    poll_->data = this;
    return uv_poll_start(poll_, UV_READABLE, OnPoll);
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    Stop();
    self_.Reset();
    return info.Env().Undefined();
  }

  static void OnPoll(uv_poll_t* poll, int, int) {
    DeviceWatch* self = static_cast<DeviceWatch*>(poll->data);
    Napi::HandleScope scope(self->Env());
    self->Stop();
    self->on_end_.MakeCallback(self->Value(), {}, self->context_);
    self->self_.Reset();
  }

  void Stop() {
    if (poll_ != nullptr) {
      uv_poll_stop(poll_);
      uv_close(reinterpret_cast<uv_handle_t*>(poll_),
               [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
      poll_ = nullptr;
    }
    if (epoll_ >= 0) close(epoll_);
    if (device_ >= 0) close(device_);
    epoll_ = device_ = -1;
  }

  Napi::AsyncContext context_;
  Napi::FunctionReference on_end_;
  Napi::ObjectReference self_;  // while polled: keeps the object, as the loop holds a pointer to it
  uv_poll_t* poll_ = nullptr;
  int watched_ = -1;
  int device_ = -1;
  int epoll_ = -1;
};

}  // namespace

void RegisterDeviceWatch(Napi::Env env, Napi::Object exports) { DeviceWatch::Register(env, exports); }

}  // namespace stratafs
