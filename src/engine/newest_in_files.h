// How far the files of a table reach in time, per series.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "meta/version.h"
#include "sst/sst_cache.h"
#include "sst/sst_file.h"

namespace varve {

// A series that is in none of the newest files would have every file's index read: instead its
// newest time is taken to be that of the next file.
inline constexpr size_t kNewestFilesMax = 64;

// The newest time of all files, in microseconds; kBeforeAllTimes when there are none.
int64_t NewestInFiles(const Version& version);

// Per series, in their order: no row of it in files is newer; kBeforeAllTimes: it has none. Exact
// when the series is in one of the kNewestFilesMax newest files. Default key only. Reads the
// indexes of files and blocks of times. Errors: those of SstFile.
Result<std::vector<SeriesTime>> NewestInFiles(const Version& version, SstCache& files,
                                              std::span<const uint64_t> tsids);

}  // namespace varve
