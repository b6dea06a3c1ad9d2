#!/bin/sh
# Generates the code of the snapshotter's protocol from its .proto file. Needs protoc (Debian: protobuf-compiler).
set -eu
cd "$(dirname "$0")/.."
protoc --plugin=node_modules/.bin/protoc-gen-ts_proto --proto_path=src/snapshotter/wire \
  --ts_proto_out=src/snapshotter/wire \
  --ts_proto_opt=outputServices=grpc-js,esModuleInterop=true,forceLong=number,enumsAsLiterals=true,outputJsonMethods=false,outputPartialMethods=false,outputClientImpl=false,useOptionals=none,unrecognizedEnum=false,useExactTypes=false,removeEnumPrefix=true,oneof=unions \
  snapshots.proto
npx prettier --write src/snapshotter/wire/snapshots.ts
