// The parts of the addon. Each registers its functions and classes on `exports`. None holds file-system
// policy.
#ifndef STRATAFS_NATIVE_PARTS_H_
#define STRATAFS_NATIVE_PARTS_H_

#include <napi.h>

namespace stratafs {

void RegisterChannel(Napi::Env env, Napi::Object exports);      // channel.cc: /dev/fuse requests and replies
void RegisterDeviceWatch(Napi::Env env, Napi::Object exports);  // device_watch.cc: the end of a connection
void RegisterLoopCalls(Napi::Env env, Napi::Object exports);    // loop_calls.cc: files as block devices
void RegisterLoopTurns(Napi::Env env, Napi::Object exports);    // loop_turns.cc: how long the loop is busy
void RegisterMountCalls(Napi::Env env,
                        Napi::Object exports);  // mount_calls.cc: mount(2), umount2(2), fd passing
void RegisterNameLock(Napi::Env env,
                      Napi::Object exports);  // name_lock.cc: a lock that ends with its process
void RegisterFileCalls(Napi::Env env, Napi::Object exports);  // file_calls.cc: openat2, xattrs, statvfs, ...
void RegisterBlobScan(Napi::Env env, Napi::Object exports);   // blob_scan.cc: the pass over a blob
void RegisterProcessCalls(Napi::Env env, Napi::Object exports);  // process_calls.cc: pidfd, asking a mount
void RegisterTableAnswers(Napi::Env env, Napi::Object exports);  // table_answers.cc: without JavaScript
void RegisterTableChecks(Napi::Env env, Napi::Object exports);   // table_checks.cc: tables from files
void RegisterSpanReader(Napi::Env env, Napi::Object exports);    // span_reader.cc: decompress one span
// The upper directory, by (descriptor, one component):
void RegisterUpperAttributes(Napi::Env env, Napi::Object exports);  // upper_attributes.cc: stat, chmod, ...
void RegisterUpperData(Napi::Env env, Napi::Object exports);        // upper_data.cc: file data, listings
void RegisterUpperFill(Napi::Env env, Napi::Object exports);        // upper_fill.cc: the steps of a copy-up
void RegisterUpperJobs(Napi::Env env, Napi::Object exports);        // upper_jobs.cc: on pool threads
void RegisterUpperNames(Napi::Env env, Napi::Object exports);   // upper_names.cc: open, create, rename, ...
void RegisterUpperXattrs(Napi::Env env, Napi::Object exports);  // upper_xattrs.cc

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_PARTS_H_
