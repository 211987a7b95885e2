// SstFile: an open data file for reading by place: which rows belong to a series, where a key is,
// and the values of a block of rows, decoded once and kept in the SstCache. It is how queries,
// key look-ups and last values read; whole files in order are SstReader's.
//
// A file is cut into blocks of kDataPageRows rows, within row groups; a page of the file is decoded
// when a block that needs it is read, and its checksum is verified then.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/file_meta.h"
#include "model/table_schema.h"
#include "sst/series_index.h"

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

// A key of a table with the default primary key.
struct SeriesTime {
  uint64_t tsid = 0;
  int64_t time_us = 0;
  auto operator<=>(const SeriesTime&) const = default;
};

// Thread-safe. Made by SstCache::Open. Errors of all functions: kIo, kResourceExhausted;
// kCorruption for damaged bytes. Every message names the file.
class SstFile {
 public:
  virtual ~SstFile() = default;

  virtual const FileMeta& meta() const = 0;

  // The rows of each block, in order; together all rows of the file.
  virtual const std::vector<RowRange>& blocks() const = 0;
  // The block that holds the row.
  virtual size_t BlockOf(uint64_t row) const = 0;

  // The first row of each row group, and then the number of rows.
  virtual const std::vector<uint64_t>& row_groups() const = 0;

  // Whether the file is of a table with the default key and each of its series has the same tags in
  // all its rows (as good as always: only two series with one tsid break it, and files that do not
  // say). Then tags and tsid are asked of the series, with Series and TagValues.
  virtual bool HasSeries() const = 0;

  // The values of a column in a block: an array with its ArrowType (string tags and DICTIONARY
  // columns: dictionary<int32, utf8>) and one value per row; of arrow::null() when the file does
  // not have the column.
  virtual Result<std::shared_ptr<arrow::Array>> Values(const ColumnSchema& column,
                                                       size_t block) const = 0;

  // The index of a file of a table with the default key, whether or not HasSeries. Read at the
  // first call, cheap afterwards. kInvalidArgument for other tables.
  virtual Result<std::shared_ptr<const SeriesIndex>> Series() const = 0;

  // Requires HasSeries. The values of a tag, one per series in the order of the index: an array of
  // ArrowType(column.type); NULL where the series or the file does not have it.
  virtual Result<std::shared_ptr<arrow::Array>> TagValues(const ColumnSchema& column) const = 0;

  // The rows whose time is in [from, to) among those of a series (of `range`, in which times rise):
  // found by bisection, reading only the blocks it meets. Default key only.
  virtual Result<RowRange> NarrowToTime(RowRange range, int64_t from_us, int64_t to_us) const = 0;

  // The rows that have one of the keys, which are sorted; in rising order. Default key only.
  virtual Result<std::vector<uint64_t>> FindKeys(std::span<const SeriesTime> keys) const = 0;
};

}  // namespace varve
