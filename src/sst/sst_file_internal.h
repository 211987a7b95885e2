// How SstCache opens files. Private to this folder.
#pragma once

#include <memory>

#include "base/result.h"
#include "sst/sst_cache.h"
#include "sst/sst_file.h"

namespace varve {

// The file keeps its values in the cache as long as that lives. Errors: as SstCache::Open.
Result<std::shared_ptr<const SstFile>> OpenSstFile(ObjectStore& store, const FileMeta& meta,
                                                   std::weak_ptr<SstCache> cache);

// Besides column ids, which stay below: the kinds of what is kept of a file.
inline constexpr uint32_t kDictionaryKind = uint32_t{1} << 30;  // | column id; by row group
inline constexpr uint32_t kPagesKind = uint32_t{2} << 30;       // | column id; by row group
inline constexpr uint32_t kTagsKind = uint32_t{3} << 30;        // | column id
inline constexpr uint32_t kSeriesKind = ~uint32_t{0};
inline constexpr uint32_t kDeletionsKind = ~uint32_t{1};

}  // namespace varve
