// What is blocked, kept over a restart: one object of the data folder.
//
//   limiter/blocks.json   {"format":"varve-blocks","version":1,"checksum":"<XXH3-64 of the lists as
//                         they stand here, 16 hexadecimal digits>","lists":{"write":[…],"read":[…],
//                         "rules":[{"kind":"QueryRange","range_ms":86400000},…]}}
//
// Whoever extends it raises the version; a newer version is refused, unknown members are not.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "query/limiter.h"
#include "store/object_store.h"

namespace varve {

inline constexpr std::string_view kBlockListsPath = "limiter/blocks.json";

// nullopt: nothing has been kept. Errors: kCorruption, kNotSupported (newer), kIo.
Result<std::optional<BlockLists>> LoadBlockLists(ObjectStore& store);
// Durable when it returns ok. Errors: those of ObjectStore::Put.
Status SaveBlockLists(ObjectStore& store, const BlockLists& lists);

}  // namespace varve
