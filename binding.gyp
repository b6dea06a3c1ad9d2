{
  "targets": [
    {
      "target_name": "stratafs",
      "sources": [
        "native/addon.cc",
        "native/blob_scan.cc",
        "native/bzip2_decoder.cc",
        "native/call_arguments.cc",
        "native/channel.cc",
        "native/device_watch.cc",
        "native/directory_answer.cc",
        "native/fast_answer.cc",
        "native/file_calls.cc",
        "native/gzip_decoder.cc",
        "native/index_check.cc",
        "native/mount_calls.cc",
        "native/name_lock.cc",
        "native/plain_output.cc",
        "native/pool_job.cc",
        "native/scan_job.cc",
        "native/process_calls.cc",
        "native/span_decoder.cc",
        "native/span_reader.cc",
        "native/stored_bytes.cc",
        "native/table_answers.cc",
        "native/table_attributes.cc",
        "native/table_checks.cc",
        "native/table_rules.cc",
        "native/tar_bytes.cc",
        "native/tar_framer.cc",
        "native/tar_numbers.cc",
        "native/transfer_pool.cc",
        "native/tree_check.cc",
        "native/tree_table.cc",
        "native/upper_attributes.cc",
        "native/upper_data.cc",
        "native/upper_jobs.cc",
        "native/upper_names.cc",
        "native/upper_xattrs.cc",
        "native/xz_decoder.cc",
        "native/zstd_decoder.cc",
        "native/zstd_library.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "NAPI_VERSION=8", "_FILE_OFFSET_BITS=64"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "libraries": ["-ldl"]
    },
    {
      "target_name": "stratafs-load",
      "type": "executable",
      "sources": [
        "native/load/change_operations.cc",
        "native/load/content_operations.cc",
        "native/load/main.cc",
        "native/load/metadata_operations.cc",
        "native/load/plan.cc"
      ],
      "defines": ["_FILE_OFFSET_BITS=64"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"],
      "ldflags": ["-pthread"]
    },
    {
      "target_name": "stratafs-bare",
      "type": "executable",
      "sources": [
        "native/bare/bare_answers.cc",
        "native/bare/main.cc",
        "native/directory_answer.cc",
        "native/fast_answer.cc",
        "native/table_attributes.cc",
        "native/table_rules.cc",
        "native/tree_check.cc",
        "native/tree_table.cc"
      ],
      "include_dirs": ["native"],
      "defines": ["_FILE_OFFSET_BITS=64"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"]
    },
    {
      "target_name": "stratafs-launch",
      "type": "executable",
      "sources": ["native/launch/main.cc"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"]
    }
  ]
}
