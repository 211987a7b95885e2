// Looks at RocksDB's log files before RocksDB does. RocksDB's recovery modes either refuse a log
// whose last write was torn by a power loss, or drop what follows a damaged record without a word.
// Varve needs the difference:
//
//   a torn tail      a write that was under way when the machine stopped: nobody was told that it
//   succeeded. It is cut
//                    off, with a warning.
//   a damaged middle records follow that were acknowledged: an error that names the file and the
//   offset. Nothing is
//                    changed.
//
// The difference is sound because each write (a group of appends) is one record of the file, and is
// synced before the next begins: behind a torn write no other record *begins* (its own later pieces
// may be there). Behind a torn tail that has later files, the sequence numbers in the records show
// whether anything is missing. What cannot be told apart: a last record that was damaged after it
// had been acknowledged looks like one that was torn. Without sync, a power loss may leave holes in
// front of later records; that is damage too.
#pragma once

#include <string>

#include "base/result.h"

namespace varve {

// Cuts a torn tail off the log files in the folder. Ok when there is no folder or file. To be
// called while no RocksDB is open on the folder. Errors: kCorruption as above; kIo.
Status CheckRocksDbLogs(const std::string& folder);

}  // namespace varve
