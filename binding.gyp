{
  "variables": { "bench_programs%": 0 },
  "targets": [
    {
      "target_name": "stratafs",
      "sources": [
        "native/addon/addon.cc",
        "native/addon/blob_scan.cc",
        "native/addon/bzip2_decoder.cc",
        "native/addon/call_arguments.cc",
        "native/addon/channel.cc",
        "native/addon/device_watch.cc",
        "native/fast-path/directory_answer.cc",
        "native/fast-path/fast_answer.cc",
        "native/addon/file_calls.cc",
        "native/addon/gzip_decoder.cc",
        "native/addon/index_check.cc",
        "native/addon/loop_calls.cc",
        "native/addon/loop_turns.cc",
        "native/addon/mount_calls.cc",
        "native/addon/name_lock.cc",
        "native/addon/new_metadata.cc",
        "native/addon/plain_output.cc",
        "native/addon/pool_job.cc",
        "native/addon/scan_job.cc",
        "native/addon/process_calls.cc",
        "native/addon/reply_pipe.cc",
        "native/addon/span_decoder.cc",
        "native/addon/span_reader.cc",
        "native/addon/stored_bytes.cc",
        "native/addon/table_answers.cc",
        "native/fast-path/table_attributes.cc",
        "native/addon/table_checks.cc",
        "native/fast-path/table_rules.cc",
        "native/addon/tar_bytes.cc",
        "native/addon/tar_framer.cc",
        "native/addon/tar_numbers.cc",
        "native/addon/transfer_pool.cc",
        "native/fast-path/tree_check.cc",
        "native/fast-path/tree_table.cc",
        "native/fast-path/upper_answer.cc",
        "native/addon/upper_attributes.cc",
        "native/addon/upper_data.cc",
        "native/addon/upper_fill.cc",
        "native/addon/upper_jobs.cc",
        "native/addon/upper_names.cc",
        "native/addon/upper_xattrs.cc",
        "native/addon/xz_decoder.cc",
        "native/addon/zstd_decoder.cc",
        "native/addon/zstd_library.cc"
      ],
      "include_dirs": ["native/fast-path", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "NAPI_VERSION=8", "_FILE_OFFSET_BITS=64"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "libraries": ["-ldl"]
    },
    {
      "target_name": "stratafs-launch",
      "type": "executable",
      "sources": ["native/launch/daemon_start.cc", "native/launch/keeper.cc", "native/launch/main.cc"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra"],
      "ldflags": ["-Wl,--as-needed"]
    }
  ],
  "conditions": [
    [
      "bench_programs==1",
      {
        "targets": [
          {
            "target_name": "stratafs-load",
            "type": "executable",
            "sources": [
              "native/load/change_operations.cc",
              "native/load/content_operations.cc",
              "native/load/main.cc",
              "native/load/metadata_operations.cc",
              "native/load/mount_operation.cc",
              "native/load/plan.cc",
              "native/load/tree_operations.cc"
            ],
            "defines": ["_FILE_OFFSET_BITS=64"],
            "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra"],
            "ldflags": ["-pthread"]
          },
          {
            "target_name": "stratafs-bare",
            "type": "executable",
            "sources": [
              "native/bare/bare_answers.cc",
              "native/bare/main.cc",
              "native/fast-path/directory_answer.cc",
              "native/fast-path/fast_answer.cc",
              "native/fast-path/table_attributes.cc",
              "native/fast-path/table_rules.cc",
              "native/fast-path/tree_check.cc",
              "native/fast-path/tree_table.cc"
            ],
            "include_dirs": ["native/fast-path"],
            "defines": ["_FILE_OFFSET_BITS=64"],
            "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra"]
          },
          {
            "target_name": "stratafs-link",
            "type": "executable",
            "sources": ["native/link/main.cc"],
            "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra"]
          }
        ]
      }
    ]
  ]
}
