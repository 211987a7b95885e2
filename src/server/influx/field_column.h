// FieldColumn: the values of one field over the rows of a request, in the order of the rows.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "model/column_type.h"
#include "model/point_batch.h"

namespace varve {

// One thread. Rows without a value are found when the next value comes, or at the end.
class FieldColumn {
 public:
  // `raw_name` is as in the text, with its escapes. Types: double, int64, uint64, boolean, string.
  FieldColumn(std::string raw_name, std::string name, ColumnType type);

  const std::string& raw_name() const { return raw_name_; }
  ColumnType type() const { return type_; }
  // Rows so far, also those without a value.
  size_t size() const { return type_ == ColumnType::kString ? ends_.size() : words_.size(); }

  // Whether "raw_name=" stands at `at`.
  bool NameIsAt(const char* at, const char* end) const {
    if (static_cast<size_t>(end - at) < kNameBytes || name_words_ == 0) [[unlikely]] {
      return NameIsAtSlowly(at, end);
    }
    uint64_t differences = 0;
    for (size_t i = 0; i < name_words_; ++i) {
      uint64_t word;
      std::memcpy(&word, at + 8 * i, 8);
      differences |= (word ^ name_[i]) & mask_[i];
    }
    return differences == 0;
  }

  // Sets the value of `row`: size() - 1 (which is replaced) or size(); numbers as their bits,
  // booleans as 0 and 1.
  void SetWord(size_t row, uint64_t word) {
    if (row == words_.size()) [[likely]] {
      words_.push_back(word);
    } else {
      words_[row] = word;
    }
  }
  void SetString(size_t row, std::string_view text);

  // Rows from size() on have no value.
  void PadTo(size_t rows);
  // Forgets the rows from `rows` on.
  void CutTo(size_t rows);

  // All `rows` rows; the column is empty then.
  PointField Finish(size_t rows);

 private:
  static constexpr size_t kNameBytes = 32;

  struct Gap {
    size_t begin = 0;
    size_t end = 0;
  };

  bool NameIsAtSlowly(const char* at, const char* end) const;

  std::string raw_name_;
  std::string column_name_;
  ColumnType type_;
  // "raw_name=" in words, when it fits.
  std::array<uint64_t, kNameBytes / 8> name_{};
  std::array<uint64_t, kNameBytes / 8> mask_{};
  size_t name_words_ = 0;

  std::vector<uint64_t> words_;
  std::vector<int32_t> ends_;  // of strings: where each ends in bytes_
  std::string bytes_;
  std::vector<Gap> gaps_;  // rows without a value, in order
};

}  // namespace varve
