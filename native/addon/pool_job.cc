#include "pool_job.h"

namespace stratafs {

napi_value PoolJob::Queue(CallArguments* in, PoolJob* taken) {
  std::unique_ptr<PoolJob> job(taken);
  const napi_env env = in->env();
  napi_value promise = nullptr;
  napi_value name = nullptr;
  in->Fail(job->error());
  if (napi_create_promise(env, &job->deferred_, &promise) != napi_ok) return nullptr;
  if (in->error() != 0) {
    job->result_ = in->error();
  } else if (napi_create_string_latin1(env, "stratafs.PoolJob", NAPI_AUTO_LENGTH, &name) == napi_ok &&
             napi_create_async_work(env, nullptr, name, Execute, Complete, taken, &job->work_) == napi_ok &&
             napi_queue_async_work(env, job->work_) == napi_ok) {
    job.release();
    return promise;
  } else {
    job->result_ = -ENOMEM;
  }
  job->Settle(env);
  return promise;
}

void PoolJob::Execute(napi_env /*env*/, void* data) {
  PoolJob* job = static_cast<PoolJob*>(data);
  job->result_ = job->Run();
}

void PoolJob::Complete(napi_env env, napi_status status, void* data) {
  const std::unique_ptr<PoolJob> job(static_cast<PoolJob*>(data));
  if (status != napi_ok) job->result_ = -ECANCELED;
  job->Settle(env);
}

void PoolJob::Keep(napi_env env, napi_value object) {
  napi_ref ref = nullptr;
  if (napi_create_reference(env, object, 1, &ref) == napi_ok) kept_.push_back(ref);
}

napi_value PoolJob::MakeAnswer(napi_env env, int64_t result) {
  napi_value number = nullptr;
  napi_create_double(env, static_cast<double>(result), &number);
  return number;
}

// Fails without harm if the environment can no longer run JavaScript.
void PoolJob::Settle(napi_env env) {
  napi_value answer = MakeAnswer(env, result_);
  if (answer != nullptr) napi_resolve_deferred(env, deferred_, answer);
  for (napi_ref ref : kept_) napi_delete_reference(env, ref);
  if (work_ != nullptr) napi_delete_async_work(env, work_);
}

}  // namespace stratafs
