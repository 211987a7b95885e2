// Looking up primary keys in data files: which rows of a file have one of a set of keys.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/memtable.h"
#include "model/file_meta.h"
#include "model/table_schema.h"
#include "sst/sst_file.h"

namespace varve {

class RowKeys;

// A set of primary keys of one table. One thread while keys are added; thread-safe afterwards.
class KeySet {
 public:
  explicit KeySet(const TableSchema& schema) : default_key_(schema.HasDefaultKey()) {}

  // The keys of rows of a memtable; the positions rise and count from the first row of the first
  // chunk.
  Status Add(const TableSchema& schema, const MemtableView& view, std::span<const uint64_t> rows);
  // The keys of rows of a file; the positions rise. Errors: those of SstFile.
  Status Add(const TableSchema& schema, const SstFile& file, std::span<const uint64_t> rows);

  uint64_t size() const { return default_key_ ? keys_.size() : encoded_.size(); }
  // How many of the keys the file may hold, by what the manifest knows of it (times and tsids).
  // 0: it need not be opened.
  uint64_t CountWithin(const FileMeta& file) const;

 private:
  friend Result<std::vector<uint64_t>> FindRows(const SstFile& file, const TableSchema& schema,
                                                const KeySet& keys);
  struct Bounds {
    int64_t time_min = std::numeric_limits<int64_t>::max();
    int64_t time_max = std::numeric_limits<int64_t>::min();
    uint64_t tsid_min = std::numeric_limits<uint64_t>::max();
    uint64_t tsid_max = 0;
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  // Of the rows [first, first + keys.row_count()) those that `rows` names.
  void AddEncoded(RowKeys keys, uint64_t first, std::span<const uint64_t> rows);
  void AddSeriesTime(SeriesTime key);
  void AddTime(int64_t time_us);
  // Keys of the default key are sorted and distinct between two calls of Add.
  void Settle();
  bool MayBeIn(const FileMeta& file) const;
  // The keys of the default key that the file may hold.
  std::vector<SeriesTime> Within(const FileMeta& file) const;
  Result<std::vector<uint64_t>> FindEncoded(const SstFile& file, const TableSchema& schema) const;

  bool default_key_;
  Bounds bounds_;
  std::vector<SeriesTime> keys_;  // of the default key
  // Other keys, as RowKeys writes them, and their time.
  boost::unordered_flat_map<std::string, int64_t, TextHash, std::equal_to<>> encoded_;
  boost::unordered_flat_set<int64_t> times_;  // of encoded_
};

// The rows of the file that have one of the keys, in rising order, without regard to its deletion
// vector. Errors: those of SstFile.
Result<std::vector<uint64_t>> FindRows(const SstFile& file, const TableSchema& schema,
                                       const KeySet& keys);

// What the manifest knows of two files does not exclude that they have rows with one key.
bool MayShareKeys(const FileMeta& a, const FileMeta& b);
// The rows of `older` that have a key of the file, in any order, without regard to deletion
// vectors. Errors: those of SstFile.
Result<std::vector<uint64_t>> RowsReplaced(const TableSchema& schema, const SstFile& file,
                                           const SstFile& older);

}  // namespace varve
