// How RocksDB is set up to be a log, and its errors in Varve's words. Private to this folder.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "wal/rocksdb_wal.h"

namespace varve {

rocksdb::Options RocksDbLogOptions(const RocksDbWalOptions& options);

// kResourceExhausted when the disk is full, kCorruption, kUnavailable, kCancelled, kIo.
Status FromRocksDb(const rocksdb::Status& status, const std::string& folder);

// Cuts a torn tail, makes the folder where it is missing, opens. Errors: kCorruption that names the
// file and the offset; kUnavailable when another process has it open; else as FromRocksDb.
Result<std::unique_ptr<rocksdb::DB>> OpenRocksDbLog(const RocksDbWalOptions& options);

// Ok when something can be written to the folder again.
Status ProbeRoom(const RocksDbWalOptions& options);

}  // namespace varve
