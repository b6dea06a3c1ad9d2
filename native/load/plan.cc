#include "plan.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "operation.h"

namespace stratafs::load {

void EndWithUsage() {
  std::string names;
  for (const std::string& name : OperationNames()) names += " " + name;
  fprintf(stderr,
          "usage: stratafs-load OPERATION DIRECTORY [--threads N] [--rehearsals N] [--seed N] [--size BYTES] "
          "[--reads N] [-- COMMAND...] < PATHS\n"
          "paths are relative to DIRECTORY, and end in NUL each; operations:%s\n",
          names.c_str());
  exit(2);
}

namespace {

constexpr unsigned long long kMostThreads = 64;
constexpr unsigned long long kMostSize = 1ull << 40;

unsigned long long ParseNumber(const char* text, unsigned long long most) {
  char* end = nullptr;
  const unsigned long long number = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || number > most) EndWithUsage();
  return number;
}

void ReadOption(const char* name, const char* value, Plan* plan) {
  if (strcmp(name, "--threads") == 0)
    plan->threads = static_cast<unsigned>(ParseNumber(value, kMostThreads));
  else if (strcmp(name, "--rehearsals") == 0)
    plan->rehearsals = static_cast<unsigned>(ParseNumber(value, UINT32_MAX));
  else if (strcmp(name, "--seed") == 0)
    plan->seed = ParseNumber(value, UINT64_MAX);
  else if (strcmp(name, "--size") == 0)
    plan->size = static_cast<size_t>(ParseNumber(value, kMostSize));
  else if (strcmp(name, "--reads") == 0)
    plan->reads = static_cast<unsigned>(ParseNumber(value, UINT32_MAX));
  else
    EndWithUsage();
}

std::vector<std::string> ReadPaths() {
  std::string text;
  char chunk[65536];
  size_t got = 0;
  while ((got = fread(chunk, 1, sizeof chunk, stdin)) > 0) text.append(chunk, got);
  if (ferror(stdin) != 0) Fail("read", "standard input");
  std::vector<std::string> paths;
  for (size_t at = 0; at < text.size(); at += paths.back().size() + 1) paths.emplace_back(&text[at]);
  return paths;
}

}  // namespace

Plan ReadPlan(int argc, char** argv) {
  if (argc < 3) EndWithUsage();
  Plan plan;
  plan.operation = argv[1];
  plan.directory = argv[2];
  int i = 3;
  for (; i < argc && strcmp(argv[i], "--") != 0; i += 2) {
    if (i + 1 == argc) EndWithUsage();
    ReadOption(argv[i], argv[i + 1], &plan);
  }
  if (i < argc) plan.command.assign(argv + i + 1, argv + argc);
  if (plan.threads == 0) EndWithUsage();
  plan.paths = ReadPaths();
  return plan;
}

}  // namespace stratafs::load
