// LoopTurns: measures the turns of the event loop, from one poll to the next, without the time in which the
// loop sleeps. While a turn lasts, no other request is read: a long one stops all mounts of the process.
//
// Node counts the sleeping time of its loop (UV_METRICS_IDLE_TIME). The measuring wakes nobody up: it takes
// two clock readings a turn.
#include <napi.h>
#include <uv.h>

#include <algorithm>
#include <cstdint>

#include "parts.h"

namespace stratafs {

namespace {

constexpr double kNanosecondsPerMillisecond = 1e6;

class LoopTurns : public Napi::ObjectWrap<LoopTurns> {
 public:
  static void Register(Napi::Env env, Napi::Object exports) {
    exports.Set("LoopTurns", DefineClass(env, "LoopTurns",
                                         {InstanceMethod<&LoopTurns::Longest>("longest"),
                                          InstanceMethod<&LoopTurns::Reset>("reset"),
                                          InstanceMethod<&LoopTurns::Close>("close")}));
  }

  explicit LoopTurns(const Napi::CallbackInfo& info) : Napi::ObjectWrap<LoopTurns>(info) {
    napi_get_uv_event_loop(info.Env(), &loop_);
    check_ = new uv_check_t();
    uv_check_init(loop_, check_);
    check_->data = this;
    uv_check_start(check_, OnCheck);
    uv_unref(reinterpret_cast<uv_handle_t*>(check_));
  }

  ~LoopTurns() override { Stop(); }

 private:
  // longest(): milliseconds of the longest turn so far.
  Napi::Value Longest(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(longest_) / kNanosecondsPerMillisecond);
  }

  // reset(): forgets it.
  Napi::Value Reset(const Napi::CallbackInfo& info) {
    longest_ = 0;
    return info.Env().Undefined();
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    Stop();
    return info.Env().Undefined();
  }

  void Stop() {
    if (check_ == nullptr) return;
    uv_check_stop(check_);
    uv_close(reinterpret_cast<uv_handle_t*>(check_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_check_t*>(handle); });
    check_ = nullptr;
  }

  static void OnCheck(uv_check_t* check) { static_cast<LoopTurns*>(check->data)->EndTurn(); }

  void EndTurn() {
    const uint64_t now = uv_hrtime();
    const uint64_t idle = uv_metrics_idle_time(loop_);
    if (last_ != 0) {
      const uint64_t whole = now - last_;
      const uint64_t slept = idle - idle_;
      longest_ = std::max(longest_, whole - std::min(whole, slept));
    }
    last_ = now;
    idle_ = idle;
  }

  uv_loop_t* loop_ = nullptr;
  uv_check_t* check_ = nullptr;
  uint64_t last_ = 0;
  uint64_t idle_ = 0;
  uint64_t longest_ = 0;
};

}  // namespace

void RegisterLoopTurns(Napi::Env env, Napi::Object exports) { LoopTurns::Register(env, exports); }

}  // namespace stratafs
