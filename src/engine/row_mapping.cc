#include "engine/row_mapping.h"

#include "base/bytes.h"
#include "base/check.h"

namespace varve {
namespace {

uint64_t TakeVarint(const char*& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(*at++);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      return value;
    }
  }
}

}  // namespace

void RowMapping::Append(uint32_t input, uint64_t first, uint64_t count) {
  row_count_ += count;
  if (input == last_.input && first == last_.first + last_.count) {
    last_.count += count;
    return;
  }
  Encode(last_);
  last_ = {input, first, count};
}

void RowMapping::Encode(const Run& run) {
  if (run.count == 0) {
    return;
  }
  uint64_t& next = next_[run.input];
  VARVE_CHECK(run.first >= next, "a merge takes the rows of an input in their order");
  AppendVarint(runs_, run.input);
  AppendVarint(runs_, run.first - next);
  AppendVarint(runs_, run.count);
  next = run.first + run.count;
}

std::vector<uint64_t> RowMapping::OutputRows(
    const std::vector<std::vector<uint64_t>>& input_rows) const {
  std::vector<uint64_t> out;
  std::vector<size_t> taken(next_.size(), 0);  // of input_rows
  uint64_t at = 0;                             // row of the output
  const auto map = [&](const Run& run) {
    const auto& rows = input_rows[run.input];
    size_t& i = taken[run.input];
    while (i < rows.size() && rows[i] < run.first) {
      ++i;
    }
    for (; i < rows.size() && rows[i] < run.first + run.count; ++i) {
      out.push_back(at + rows[i] - run.first);
    }
    at += run.count;
  };
  std::vector<uint64_t> next(next_.size(), 0);
  const char* const end = runs_.data() + runs_.size();
  for (const char* byte = runs_.data(); byte < end;) {
    Run run;
    run.input = static_cast<uint32_t>(TakeVarint(byte));
    run.first = next[run.input] + TakeVarint(byte);
    run.count = TakeVarint(byte);
    next[run.input] = run.first + run.count;
    map(run);
  }
  map(last_);
  return out;
}

}  // namespace varve
