// RowMapping: where the rows of the inputs of a merge are in its output. So that rows which are
// deleted from an input while it is being merged can be deleted from the output.
//
// A merge takes the rows of each input in their order, so a few bytes for each run of rows are
// enough: about 4 bytes where series follow each other, 3 bytes a row at worst.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace varve {

// One thread.
class RowMapping {
 public:
  explicit RowMapping(size_t inputs) : next_(inputs, 0) {}

  // The next rows of the output are the rows [first, first + count) of the input. `first` is not
  // before the end of the input's last run.
  void Append(uint32_t input, uint64_t first, uint64_t count);

  // Rows of the inputs, rising, by input -> rows of the output, rising. Rows that the merge left
  // out are passed over.
  std::vector<uint64_t> OutputRows(const std::vector<std::vector<uint64_t>>& input_rows) const;

  uint64_t row_count() const { return row_count_; }
  size_t size_bytes() const { return runs_.size(); }

 private:
  struct Run {
    uint32_t input = 0;
    uint64_t first = 0;
    uint64_t count = 0;
  };
  void Encode(const Run& run);

  std::string runs_;            // varints: input, rows of it that were left out, rows
  std::vector<uint64_t> next_;  // by input: the row after its last encoded run
  Run last_;                    // not encoded yet: it may go on
  uint64_t row_count_ = 0;
};

}  // namespace varve
